"""Properties of the kitchen beyond those of the conformance suite."""

import numpy as np
import pytest

from environments import d4rl

# Initial positions of the arm (rad) and its two fingers (m).
START = [0.148, -1.768, 1.844, -2.477, 0.26, 0.713, 1.595, 0.0479, 0.0371]
# Indices among the 30 positions, and their goals.
GOALS = {
    "microwave": ([22], [-0.75]),
    "kettle": ([*range(23, 30)], [-0.23, 0.75, 1.62, 0.99, 0.0, 0.0, -0.06]),
    "light switch": ([17, 18], [-0.69, -0.05]),
    "slide cabinet": ([19], [0.37]),
    "bottom burner": ([11, 12], [-0.88, -0.01]),
}
COMPLETE = ["microwave", "kettle", "light switch", "slide cabinet"]
TASKS = {
    d4rl.KitchenCompleteEnvironment: COMPLETE,
    d4rl.KitchenPartialEnvironment: COMPLETE,
    d4rl.KitchenMixedEnvironment: ["microwave", "kettle", "bottom burner", "light switch"],
}


def begin(task=d4rl.KitchenCompleteEnvironment, seed=0):
    environment = task()
    environment.seed(seed)
    return environment, environment.reset().observation


def put(environment, *tasks):
    """Moves objects to the goals of subtasks."""
    for task in tasks:
        positions, goal = GOALS[task]
        environment._simulation.data.qpos[positions] = goal
    environment._simulation.data.qvel[:] = 0.0


def stay(environment):
    return environment.step(np.zeros(9, np.float32))


@pytest.mark.parametrize("task", TASKS)
def test_goals_are_observed(task):
    _, observation = begin(task)
    expected = np.zeros(30, np.float32)
    for name in TASKS[task]:
        positions, goal = GOALS[name]
        expected[positions] = goal
    np.testing.assert_array_equal(observation[30:], expected)


def test_initial_states_are_equal_and_observed_with_noise():
    environment, _ = begin()
    observed = np.array([environment.reset().observation for _ in range(100)])
    np.testing.assert_allclose(observed[:, :9].mean(axis=0), START, atol=2e-3)
    amplitudes = np.ptp(observed[:, :30], axis=0) / 2
    # A tenth of the amplitudes in the robot's file: 0.1 for joints and less for knobs.
    np.testing.assert_allclose(amplitudes[:9], 0.01, rtol=0.1)
    np.testing.assert_allclose(amplitudes[11:17], 0.00005, rtol=0.1)
    np.testing.assert_allclose(amplitudes[17:20], 0.0005, rtol=0.1)


def test_actions_are_velocities_relative_to_the_observed_joints():
    """An action of 1 is 2 rad/s for 0.08 s."""
    environment, _ = begin()
    observed = environment.observed_joints
    action = np.zeros(9, np.float32)
    action[0], action[6] = 1.0, -0.5
    environment.step(action)
    control = environment._simulation.data.ctrl
    np.testing.assert_allclose(control[0], observed[0] + 0.16)
    np.testing.assert_allclose(control[6], observed[6] - 0.08)
    np.testing.assert_allclose(control[1], observed[1])


def test_set_points_are_clipped_to_the_joint_limits():
    environment, _ = begin()
    environment.observed_joints = np.full(9, 2.95)
    environment.step(np.ones(9, np.float32))
    limits = [2.9, 1.8, 2.9, 0.0, 2.9, 3.11, 2.9, 0.04, 0.04]
    np.testing.assert_allclose(environment._simulation.data.ctrl, limits)


def test_a_subtask_is_rewarded_once():
    environment, _ = begin()
    put(environment, "microwave", "light switch")
    assert stay(environment).reward == 2.0
    assert not environment.success
    put(environment, "microwave", "light switch")
    assert stay(environment).reward == 0.0


def test_other_subtasks_are_not_rewarded():
    environment, _ = begin()
    put(environment, "bottom burner")
    assert stay(environment).reward == 0.0
    mixed, _ = begin(d4rl.KitchenMixedEnvironment)
    put(mixed, "bottom burner")
    assert stay(mixed).reward == 1.0


def test_completing_all_subtasks_is_success_and_terminates():
    environment, _ = begin()
    put(environment, *COMPLETE[:3])
    step = stay(environment)
    assert step.reward == 3.0 and not step.is_last() and not environment.success
    put(environment, *COMPLETE)
    step = stay(environment)
    assert step.reward == 1.0 and step.is_last() and step.discount == 0.0
    assert environment.success
    environment.reset()
    assert not environment.success


def test_seeds_change_only_the_noise():
    same, other = begin(seed=0)[1], begin(seed=1)[1]
    np.testing.assert_array_equal(begin(seed=0)[1], same)
    assert np.all(same[:9] != other[:9])
    assert np.max(np.abs(same - other)) <= 0.02
