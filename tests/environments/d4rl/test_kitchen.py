"""The kitchen's own promises."""

import numpy as np
import pytest

from environments import d4rl

# Where the arm begins, radians and (its two fingers) metres.
START = [0.148, -1.768, 1.844, -2.477, 0.26, 0.713, 1.595, 0.0479, 0.0371]
# Positions of 30 and their goals.
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
    """Moves things where they should be."""
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


def test_every_episode_begins_in_the_same_place_seen_with_noise():
    environment, _ = begin()
    seen = np.array([environment.reset().observation for _ in range(100)])
    np.testing.assert_allclose(seen[:, :9].mean(axis=0), START, atol=2e-3)
    amplitudes = np.ptp(seen[:, :30], axis=0) / 2
    # A tenth of what the robot's file states, which is 0.1 for joints and less for knobs.
    np.testing.assert_allclose(amplitudes[:9], 0.01, rtol=0.1)
    np.testing.assert_allclose(amplitudes[11:17], 0.00005, rtol=0.1)
    np.testing.assert_allclose(amplitudes[17:20], 0.0005, rtol=0.1)


def test_an_action_asks_for_a_velocity_from_where_the_joints_were_seen():
    """At most 2 radians a second, for 0.08 s."""
    environment, _ = begin()
    seen = environment.observed_joints
    action = np.zeros(9, np.float32)
    action[0], action[6] = 1.0, -0.5
    environment.step(action)
    control = environment._simulation.data.ctrl
    np.testing.assert_allclose(control[0], seen[0] + 0.16)
    np.testing.assert_allclose(control[6], seen[6] - 0.08)
    np.testing.assert_allclose(control[1], seen[1])


def test_joints_are_asked_for_no_more_than_their_range():
    environment, _ = begin()
    environment.observed_joints = np.full(9, 2.95)
    environment.step(np.ones(9, np.float32))
    limits = [2.9, 1.8, 2.9, 0.0, 2.9, 3.11, 2.9, 0.04, 0.04]
    np.testing.assert_allclose(environment._simulation.data.ctrl, limits)


def test_a_task_is_rewarded_once():
    environment, _ = begin()
    put(environment, "microwave", "light switch")
    assert stay(environment).reward == 2.0
    assert not environment.success
    put(environment, "microwave", "light switch")
    assert stay(environment).reward == 0.0


def test_what_is_none_of_its_tasks_is_not_rewarded():
    environment, _ = begin()
    put(environment, "bottom burner")
    assert stay(environment).reward == 0.0
    mixed, _ = begin(d4rl.KitchenMixedEnvironment)
    put(mixed, "bottom burner")
    assert stay(mixed).reward == 1.0


def test_all_four_are_success_and_end_the_episode():
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


def test_noise_alone_is_what_seeds_change():
    same, other = begin(seed=0)[1], begin(seed=1)[1]
    np.testing.assert_array_equal(begin(seed=0)[1], same)
    assert np.all(same[:9] != other[:9])
    assert np.max(np.abs(same - other)) <= 0.02
