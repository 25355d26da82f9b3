"""Properties of the D4RL tasks beyond those of the conformance suite."""

import sys

import numpy as np
import pytest

from environments import base, d4rl
from environments.d4rl import assets
from environments.particle import ParticleEnvironment
from tests.conformance.environment_suite import (
    assert_equal,
    episode,
    random_action,
)

# Observation size, action size, step limit and name in D4RL.
TASKS = {
    d4rl.PenEnvironment: (45, 24, 100, "pen-human-v0"),
    d4rl.HammerEnvironment: (46, 26, 200, "hammer-human-v0"),
    d4rl.DoorEnvironment: (39, 28, 200, "door-human-v0"),
    d4rl.RelocateEnvironment: (39, 30, 200, "relocate-human-v0"),
    d4rl.KitchenCompleteEnvironment: (60, 9, 280, "kitchen-complete-v0"),
    d4rl.KitchenPartialEnvironment: (60, 9, 280, "kitchen-partial-v0"),
    d4rl.KitchenMixedEnvironment: (60, 9, 280, "kitchen-mixed-v0"),
}
ADROIT = [task for task in TASKS if issubclass(task, d4rl.adroit.AdroitEnvironment)]


@pytest.mark.parametrize("task", TASKS)
def test_sizes_limits_and_names_are_d4rls(task):
    observation, action, limit, dataset = TASKS[task]
    environment = task()
    assert environment.observation_spec().shape == (observation,)
    assert environment.action_spec().shape == (action,)
    assert environment.max_episode_steps == limit
    assert environment.dataset == dataset
    assert environment.name == "d4rl_" + dataset.removesuffix("-v0").removesuffix("-human").replace(
        "-", "_"
    )


def test_scores_are_normalized_by_the_table_of_d4rl():
    door, kitchen = d4rl.DoorEnvironment(), d4rl.KitchenMixedEnvironment()
    assert door.normalized_score(-56.512833) == 0.0
    assert door.normalized_score(2880.5693087298737) == 1.0
    assert kitchen.normalized_score(1.5) == 1.5 / 4
    # Table 2 of the paper: 2586 of pen.
    score = base.vectorize(d4rl.PenEnvironment, 2).normalized_score(2586.0)
    assert score == pytest.approx((2586.0 - 96.262799) / (3076.8331017826877 - 96.262799))


def test_a_task_outside_d4rl_has_no_normalized_score():
    assert ParticleEnvironment().normalized_score(1.0) is None
    assert base.vectorize(ParticleEnvironment, 2).normalized_score(1.0) is None


def test_d4rl_is_not_imported():
    assert assets.reference_returns("pen-human-v0")[0] == 96.262799
    assert "d4rl" not in sys.modules


def test_error_without_d4rl_states_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match="d4rl, which is not installed.*pip install"):
        assets.folder()


@pytest.mark.parametrize("task", TASKS)
def test_reset_to_reproduces_a_recorded_episode(task):
    """The episodes are equal up to the observation noise of the kitchen."""
    recorded, again = task(), task()
    recorded.seed(1)
    first = recorded.reset().observation
    again.seed(2)
    noise = 0.0 if task in ADROIT else 0.021
    begun = again.reset_to(first)
    assert begun.is_first()
    np.testing.assert_allclose(begun.observation, first, rtol=0.0, atol=1e-6 + noise)
    rng = np.random.default_rng(0)
    for _ in range(3):
        action = random_action(recorded, rng)
        expected, found = recorded.step(action), again.step(action)
        # The controller of the kitchen starts from the noisy observation.
        slack = dict(rtol=0.0, atol=1e-4 + 3 * noise)
        np.testing.assert_allclose(found.observation, expected.observation, **slack)
        np.testing.assert_allclose(found.reward, expected.reward, rtol=1e-4, atol=1e-4)


def placed(environment, what):
    """Returns an initial position of the model in 200 episodes."""
    positions = []
    for _ in range(200):
        environment.reset()
        positions.append(np.array(what(environment._simulation.model)))
    return np.array(positions)


@pytest.mark.parametrize(
    ("task", "what", "low", "high"),
    [
        (
            d4rl.DoorEnvironment,
            lambda model: model.body("frame").pos,
            [-0.3, 0.25, 0.252],
            [-0.2, 0.35, 0.35],
        ),
        (d4rl.HammerEnvironment, lambda model: model.body("nail_board").pos[2:], [0.1], [0.25]),
        (
            d4rl.RelocateEnvironment,
            lambda model: np.r_[model.body("Object").pos[:2], model.site("target").pos],
            [-0.15, -0.15, -0.2, -0.2, 0.15],
            [0.15, 0.3, 0.2, 0.2, 0.35],
        ),
    ],
    ids=["door", "hammer", "relocate"],
)
def test_initial_positions_cover_their_ranges(task, what, low, high):
    environment = task()
    environment.seed(0)
    found, width = placed(environment, what), np.subtract(high, low)
    assert np.all(found >= low) and np.all(found <= high)
    assert np.all(found.min(axis=0) < low + 0.05 * width)
    assert np.all(found.max(axis=0) > high - 0.05 * width)


def test_pen_targets_are_rotated_about_x_and_then_y():
    environment = d4rl.PenEnvironment()
    environment.seed(0)
    wanted = np.array([environment.reset().observation[36:39] for _ in range(200)], np.float64)
    np.testing.assert_allclose(np.linalg.norm(wanted, axis=1), 1.0, atol=1e-6)
    about_y = np.arcsin(wanted[:, 0])
    about_x = np.arctan2(-wanted[:, 1], wanted[:, 2])
    for angles in (about_x, about_y):
        assert -1.0 <= angles.min() < -0.9 and 0.9 < angles.max() <= 1.0


@pytest.mark.parametrize("task", ADROIT)
def test_success_requires_more_steps_at_the_goal_than_the_threshold(task):
    class AlternatingGoal(task):
        """The goal condition holds in every second step."""

        def _evaluate(self):
            outcome = super()._evaluate()
            return outcome._replace(at_goal=self._step_count % 2 == 0, terminated=False)

    environment = AlternatingGoal()
    environment.seed(0)
    environment.reset()
    action = np.zeros(environment.action_spec().shape, np.float32)
    needed = 21 if task is d4rl.PenEnvironment else 26
    for step in range(1, 2 * needed + 1):
        environment.step(action)
        assert environment.success == (step == 2 * needed)
    environment.reset()
    assert not environment.success


def test_a_dropped_pen_terminates_the_episode():
    environment = d4rl.PenEnvironment()
    environment.seed(0)
    steps = episode(environment, random_action)
    assert len(steps) - 1 < environment.max_episode_steps
    assert steps[-1].discount == 0.0
    heights = [step.observation[26] for step in steps]
    assert heights[-1] < 0.075 < min(heights[:-1])
    assert steps[-1].reward < steps[-2].reward - 4.0


@pytest.mark.parametrize("task", [d4rl.DoorEnvironment, d4rl.KitchenMixedEnvironment])
def test_step_limit_is_a_truncation(task):
    environment = type("Short", (task,), {"max_episode_steps": 3})()
    environment.seed(0)
    steps = episode(environment, random_action)
    assert len(steps) == 4 and steps[-1].is_last() and steps[-1].discount == 1.0


@pytest.mark.parametrize("task", [d4rl.DoorEnvironment, d4rl.KitchenMixedEnvironment])
def test_rendering_does_not_change_the_simulation(task):
    watched, other = task(), task()
    for environment in (watched, other):
        environment.seed(0)
        environment.reset()
    rng = np.random.default_rng(0)
    for _ in range(3):
        watched.render()
        action = random_action(other, rng)
        assert_equal(watched.step(action), other.step(action))
    watched.close()
    # Rendering works again after close.
    assert watched.render().std() > 20
