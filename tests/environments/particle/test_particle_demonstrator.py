"""Commands, success rate and modes of the demonstrator of the particle."""

import numpy as np
import pytest
from tf_agents.trajectories import time_step as ts

from environments.base import vectorize
from environments.particle import ParticleDemonstrator, ParticleEnvironment

FIRST_GOAL = np.array([0.2, 0.2], np.float32)
SECOND_GOAL = np.array([0.8, 0.8], np.float32)


@pytest.fixture
def commands(monkeypatch):
    """Returns a function from hand-made positions to the commanded goals (1 or 2)."""

    def ask(environment, positions):
        environment.seed(0)
        environment.reset()
        demonstrator = ParticleDemonstrator(environment)
        state = demonstrator.get_initial_state()
        commanded = []
        for index, position in enumerate(positions):
            observation = {
                "pos_agent": np.asarray(position, np.float32),
                "vel_agent": np.zeros(2, np.float32),
                "pos_first_goal": FIRST_GOAL,
                "pos_second_goal": SECOND_GOAL,
            }
            monkeypatch.setattr(ParticleEnvironment, "states", observation)
            step = ts.transition(observation, np.float32(0)) if index else ts.restart(observation)
            action, state, _ = demonstrator.action(step, state)
            goals = {FIRST_GOAL.tobytes(): 1, SECOND_GOAL.tobytes(): 2}
            commanded.append(goals[action.tobytes()])
        return commanded

    return ask


def test_switches_within_0_01_and_never_back(commands):
    near, nearly, far = [0.2, 0.2099], [0.2, 0.2101], [0.5, 0.5]
    positions = [far, nearly, near, nearly, far, near]
    assert commands(ParticleEnvironment(), positions) == [1, 1, 2, 2, 2, 2]


def test_switches_immediately_at_a_start_at_the_first_goal(commands):
    assert commands(ParticleEnvironment(), [FIRST_GOAL, [0.5, 0.5]]) == [2, 2]


def test_waits_at_the_first_goal(commands):
    environment = ParticleEnvironment(wait_at_first_goal=3)
    far, near, nearly = [0.5, 0.5], [0.2, 0.205], [0.2, 0.24]
    assert commands(environment, [far, near, nearly, near, nearly, far]) == [1, 1, 1, 1, 2, 2]
    # The wait is that of the task: within 0.05, and restarted by an interruption.
    assert commands(environment, [near, far, nearly, nearly, near, near]) == [1, 1, 1, 1, 1, 2]
    # The demonstrator must also have been within 0.01 once.
    assert commands(environment, [nearly] * 5 + [near]) == [1, 1, 1, 1, 1, 2]


@pytest.mark.parametrize(
    "options",
    [
        {"dimension": 1},
        {"dimension": 2},
        {"dimension": 8},
        {"dimension": 32},
        {"hide_velocity": True},
        {"either_goal_first": True},
        {"dimension": 32, "either_goal_first": True},
        {"wait_at_first_goal": 5},
        {"dimension": 32, "wait_at_first_goal": 20},
        {"dimension": 8, "hide_velocity": True, "either_goal_first": True, "wait_at_first_goal": 3},
    ],
    ids=lambda options: ParticleEnvironment(**options).name,
)
def test_succeeds_in_99_of_100_episodes(options):
    environment = vectorize(lambda: ParticleEnvironment(**options), 300)
    environment.seed(range(300))
    run(environment)
    assert environment.success.mean() >= 0.99


def run(environment):
    """Runs an episode of every row. Returns the first actions and the first observation."""
    demonstrator = ParticleDemonstrator(environment)
    state = demonstrator.get_initial_state(environment.batch_size)
    first = step = environment.reset()
    first_action = None
    while not step.is_last().all():
        action, state, _ = demonstrator.action(step, state)
        first_action = action if first_action is None else first_action
        step = environment.step(action)
    return first_action, first.observation


def test_both_orders_of_goals_are_equally_frequent():
    environment = vectorize(lambda: ParticleEnvironment(either_goal_first=True), 400)
    environment.seed(range(400))
    actions, observation = run(environment)
    to_second = (actions == observation["pos_second_goal"]).all(axis=1)
    to_first = (actions == observation["pos_first_goal"]).all(axis=1)
    assert (to_first | to_second).all()
    assert 0.4 < to_second.mean() < 0.6  # 4 standard errors


def test_the_first_goal_is_first_without_the_option():
    environment = vectorize(ParticleEnvironment, 100)
    environment.seed(range(100))
    actions, observation = run(environment)
    at_it = np.linalg.norm(observation["pos_agent"] - observation["pos_first_goal"], axis=1) <= 0.01
    np.testing.assert_array_equal(actions[~at_it], observation["pos_first_goal"][~at_it])
