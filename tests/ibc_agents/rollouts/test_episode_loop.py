"""The episode loop seeds, steps and observes one episode in each row."""

import numpy as np
import pytest

from environments import base
from ibc_agents.rollouts import actors, episode_loop, rollout_seeds
from tests.conformance.drift_environment import DriftEnvironment

ROWS = 5
SEEDS = [rollout_seeds.for_evaluation(7, episode) for episode in range(ROWS)]


class Counting:
    """Moves right at every step and counts its steps; its state is (the seeds, the steps)."""

    def initial_state(self, seeds):
        return seeds, 0

    def act(self, time_step, state):
        seeds, steps = state
        rows = len(seeds)
        action = {"change": np.ones([rows, 1], np.float32), "pair": np.ones([rows, 2], np.float32)}
        return actors.ActorStep(action, action, (seeds, steps + 1))


class Frames:
    """Keeps the frames, and the positions of the environment when it sees them."""

    def __init__(self):
        self.frames, self.positions = [], []

    def observe(self, frame):
        self.frames.append(frame)
        self.positions.append(frame.environment.current_time_step().observation)


def run(order=range(ROWS)):
    observer = Frames()
    environment = base.vectorize(DriftEnvironment, ROWS)
    seeds = [SEEDS[index] for index in order]
    episode_loop.run_episodes(environment, Counting(), seeds, [observer])
    return observer


def lengths():
    """Frames of each episode, by stepping a single environment."""
    found = []
    for seeds in SEEDS:
        environment = DriftEnvironment()
        environment.seed(seeds.environment)
        time_step, length = environment.reset(), 1
        while not time_step.is_last():
            action = {"change": np.ones(1, np.float32), "pair": np.ones(2, np.float32)}
            time_step, length = environment.step(action), length + 1
        found.append(length)
    return found


def test_rows_are_active_from_first_to_last():
    frames = run().frames
    expected = lengths()
    assert len(set(expected)) > 1 and len(frames) == max(expected)
    for row, length in enumerate(expected):
        active = [frame.is_active[row] for frame in frames]
        assert active == [True] * length + [False] * (len(frames) - length)
        step_types = [frame.time_step.step_type[row] for frame in frames[:length]]
        assert step_types == [0, *[1] * (length - 2), 2]
        assert [frame.is_ending[row] for frame in frames].index(True) == length - 1
        assert sum(frame.is_ending[row] for frame in frames) == 1


def test_observers_see_the_environment_and_the_actor_at_the_frame():
    observer = run()
    for number, (frame, positions) in enumerate(
        zip(observer.frames, observer.positions, strict=True)
    ):
        np.testing.assert_array_equal(frame.time_step.observation, positions)
        assert frame.actor_state[1] == number and frame.actor_step.state[1] == number + 1
        np.testing.assert_array_equal(frame.actor_state[0], [seeds.actor for seeds in SEEDS])


def test_contract_episode_loop_episode_depends_on_its_seeds_and_not_on_its_row():
    forward, backward = run().frames, run(reversed(range(ROWS))).frames
    for one, other in zip(forward, backward, strict=True):
        np.testing.assert_array_equal(one.is_active, other.is_active[::-1])
        left, right = one.time_step.observation, other.time_step.observation[::-1]
        np.testing.assert_array_equal(left[one.is_active], right[one.is_active])


def test_there_is_one_seed_for_each_row():
    environment = base.vectorize(DriftEnvironment, ROWS)
    with pytest.raises(ValueError, match="seeds must be 5"):
        episode_loop.run_episodes(environment, Counting(), SEEDS[:4], [])
