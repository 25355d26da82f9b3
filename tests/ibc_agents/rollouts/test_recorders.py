"""Recorded episodes are TF-Agents trajectories, and outcomes and images those of the frames."""

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import policy_step, trajectory
from tf_agents.trajectories import time_step as ts

from environments import base
from environments.particle import ParticleDemonstrator, ParticleEnvironment
from ibc_agents.rollouts import actors, episode_loop, recorders, rollout_seeds
from tests.conformance.drift_environment import DriftEnvironment

SEEDS = [rollout_seeds.for_collection(3, episode) for episode in range(4)]


class RandomDrift:
    """Acts at random, and records other actions than it executes."""

    def initial_state(self, seeds):
        return np.random.default_rng(0)

    def act(self, time_step, state):
        rows = len(time_step.reward)
        action, recorded = (
            {
                "change": state.uniform(-1, 1, [rows, 1]).astype(np.float32),
                "pair": state.uniform(-1, 1, [rows, 2]).astype(np.float32),
            }
            for _ in range(2)
        )
        return actors.ActorStep(action, recorded, state)


class Frames:
    """Keeps what the oracle is computed from."""

    def __init__(self):
        self.frames, self.success = [], []

    def observe(self, frame):
        self.frames.append(frame)
        self.success.append(frame.environment.success)


def run(make_recorder):
    environment = base.vectorize(DriftEnvironment, len(SEEDS))
    recorder, oracle = make_recorder(environment), Frames()
    episode_loop.run_episodes(environment, RandomDrift(), SEEDS, [recorder, oracle])
    return recorder, oracle


def row_of(nest, row):
    return tf.nest.map_structure(lambda leaf: leaf[row], nest)


def expected_episode(frames, row):
    """The row's frames by TF-Agents' `from_transition`, with a reset after LAST."""
    steps = [row_of(frame.time_step, row) for frame in frames if frame.is_active[row]]
    steps.append(ts.restart(steps[-1].observation))
    actions = [row_of(frame.actor_step.recorded_action, row) for frame in frames]
    transitions = [
        trajectory.from_transition(steps[k], policy_step.PolicyStep(actions[k]), steps[k + 1])
        for k in range(len(steps) - 1)
    ]
    return tf.nest.map_structure(lambda *leaves: np.stack(leaves), *transitions)


def test_episodes_are_those_of_tf_agents():
    recorder, oracle = run(lambda environment: recorders.EpisodeRecorder())
    episodes = recorder.episodes()
    assert len({episode.num_frames for episode in episodes}) > 1
    for row, episode in enumerate(episodes):
        expected = expected_episode(oracle.frames, row)
        tf.nest.assert_same_structure(episode.frames, expected)
        for found, wanted in zip(
            tf.nest.flatten(episode.frames), tf.nest.flatten(expected), strict=True
        ):
            assert found.dtype == wanted.dtype
            np.testing.assert_array_equal(found, wanted)


def test_outcomes_are_those_of_the_recorded_episodes():
    recorder, oracle = run(recorders.OutcomeRecorder)
    outcomes = recorder.outcomes
    for row in range(len(SEEDS)):
        frames = expected_episode(oracle.frames, row)
        executed = frames.step_type != ts.StepType.LAST
        assert outcomes.steps[row] == executed.sum()
        assert outcomes.total_reward[row] == frames.reward[executed].sum()
        assert outcomes.success[row] == oracle.success[executed.sum()][row]
    assert outcomes.success.any() and not outcomes.success.all()


def test_images_are_those_of_the_active_frames_of_the_chosen_rows():
    found = []
    _, oracle = run(
        lambda environment: recorders.ImageRecorder(
            {1: 41, 3: 43}, lambda episode, image: found.append((episode, image))
        )
    )
    for row, episode in ((1, 41), (3, 43)):
        images = [image for number, image in found if number == episode]
        active = [frame for frame in oracle.frames if frame.is_active[row]]
        assert len(images) == len(active)
        positions = [frame.time_step.observation[row] for frame in active]
        drawn = [np.flatnonzero(image[0, :, 0])[0] - 32 for image in images]
        np.testing.assert_allclose(drawn, np.round(positions)[:, 0], atol=1)
    assert {episode for episode, _ in found} == {41, 43}


def test_episodes_are_recorded_with_their_success():
    environment = base.vectorize(ParticleEnvironment, len(SEEDS))
    actor = actors.DemonstratorActor(ParticleDemonstrator(environment))
    for episode, success in recorders.record_episodes(environment, actor, SEEDS):
        assert episode.executed.sum() == 50 and success is True
        assert episode.total_reward > 0
