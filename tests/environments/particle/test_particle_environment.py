"""Options, specs, rewards, unsynchronized rows and recorded frames of the particle task."""

import gin
import numpy as np
import pytest
from tf_agents.trajectories import time_step as ts

from environments.base import vectorize
from environments.particle import ParticleDemonstrator, ParticleEnvironment
from tests.conformance.environment_suite import assert_equal, row_of


def demonstrate(environment):
    """Returns the time steps and the successes of one episode of every row."""
    demonstrator = ParticleDemonstrator(environment)
    state = demonstrator.get_initial_state(environment.batch_size)
    steps = [environment.reset()]
    while not steps[-1].is_last().all():
        action, state, _ = demonstrator.action(steps[-1], state)
        steps.append(environment.step(action))
    return steps


@pytest.mark.parametrize(
    "options, name",
    [
        ({}, "particle_2d"),
        ({"dimension": 32, "hide_velocity": True}, "particle_32d_hidden_velocity"),
        (
            {"either_goal_first": True, "wait_at_first_goal": 7},
            "particle_2d_either_goal_first_wait_7",
        ),
    ],
)
def test_name_contains_every_option(options, name):
    assert ParticleEnvironment(**options).name == name


@pytest.mark.parametrize("dimension", [0, 33, -1, 2.5, True, "2"])
def test_dimension_is_checked(dimension):
    with pytest.raises(ValueError, match="dimension must be an integer of at (least 1|most 32)"):
        ParticleEnvironment(dimension)


@pytest.mark.parametrize("wait", [-1, 0.5])
def test_wait_is_checked(wait):
    with pytest.raises(ValueError, match="wait_at_first_goal must be an integer of at least 0"):
        ParticleEnvironment(wait_at_first_goal=wait)


def test_observation_keys_and_shapes():
    spec = ParticleEnvironment(5).observation_spec()
    assert set(spec) == {"pos_agent", "vel_agent", "pos_first_goal", "pos_second_goal"}
    assert all(leaf.shape == (5,) and leaf.dtype == np.float32 for leaf in spec.values())
    hidden = ParticleEnvironment(5, hide_velocity=True)
    hidden.seed(0)
    assert (
        set(hidden.observation_spec())
        == set(hidden.reset().observation)
        == set(spec) - {"vel_agent"}
    )


@pytest.mark.parametrize("wait, steps", [(0, 50), (7, 67)])
def test_episode_length(wait, steps):
    environment = ParticleEnvironment(wait_at_first_goal=wait)
    assert environment.max_episode_steps == steps
    assert len(demonstrate(environment)) == steps + 1


def test_reward_is_final_success_and_the_episode_terminates():
    environment = vectorize(ParticleEnvironment, 20)
    environment.seed(range(20))
    steps = demonstrate(environment)
    assert environment.success.all()
    for step in steps[:-1]:
        assert not step.reward.any() and (step.discount == 1).all()
    np.testing.assert_array_equal(steps[-1].reward, np.ones(20, np.float32))
    np.testing.assert_array_equal(steps[-1].discount, np.zeros(20, np.float32))


def test_failure_is_not_rewarded():
    environment = ParticleEnvironment()
    environment.seed(0)
    step = environment.reset()
    second = step.observation["pos_second_goal"]
    while not step.is_last():
        step = environment.step(second)
    assert np.linalg.norm(step.observation["pos_agent"] - second) < 0.05
    assert not environment.success and step.reward == 0


def test_starts_and_goals_are_uniform_and_at_rest():
    environment = vectorize(lambda: ParticleEnvironment(3), 2000)
    environment.seed(range(2000))
    observation = environment.reset().observation
    drawn = np.stack(
        [observation[key] for key in ("pos_agent", "pos_first_goal", "pos_second_goal")]
    )
    assert not observation["vel_agent"].any()
    for quantile in (0.1, 0.5, 0.9):  # each within 4 standard errors
        np.testing.assert_allclose(np.quantile(drawn, quantile, axis=1), quantile, atol=0.05)
    flat = drawn.transpose(1, 0, 2).reshape(2000, 9)
    correlation = np.corrcoef(flat, rowvar=False) - np.eye(9)
    assert np.abs(correlation).max() < 0.1


def test_success_can_be_recomputed_from_the_recorded_frames():
    """Random detours make both outcomes common."""
    rows = 200
    environment = vectorize(lambda: ParticleEnvironment(1), rows)
    environment.seed(range(rows))
    rng = np.random.default_rng(0)
    steps = [environment.reset()]
    while not steps[-1].is_last().all():
        goal = rng.choice(["pos_first_goal", "pos_second_goal"])
        noise = rng.normal(0, 0.2, [rows, 1])
        action = np.clip(steps[-1].observation[goal] + noise, 0, 1).astype(np.float32)
        steps.append(environment.step(action))
    frames = {
        key: np.stack([step.observation[key] for step in steps]).astype(np.float64)
        for key in ("pos_agent", "pos_first_goal", "pos_second_goal")
    }
    first = np.linalg.norm(frames["pos_agent"] - frames["pos_first_goal"], axis=-1) <= 0.05
    second = np.linalg.norm(frames["pos_agent"] - frames["pos_second_goal"], axis=-1) <= 0.05
    expected = first[:-1].any(axis=0) & second[-1]
    np.testing.assert_array_equal(environment.success, expected)
    assert 0.05 < expected.mean() < 0.95


def test_rows_may_be_unsynchronized():
    """Particle episodes have equal lengths, so the test resets row 0 within an episode."""
    single = ParticleEnvironment()
    vector = single.vectorized(2)
    rng = np.random.default_rng(0)
    actions = rng.random([90, 2, 2], np.float32)
    lead = 20
    vector.seed([1, 2])
    vector.reset()
    for action in actions[:lead]:
        vector.step(action)
    vector._begin(np.array([True, False]))
    vector._current_time_step = vector._episodes.time_step()
    singles = [ParticleEnvironment(), ParticleEnvironment()]
    for row, other in enumerate(singles):
        other.seed(row + 1)
        other.reset()
        for action in actions[:lead]:
            other.step(action[row])
    singles[0].reset()
    kinds = set()
    for action in actions[lead:]:
        step = vector.step(action)
        kinds.add(tuple(step.step_type))
        for row, other in enumerate(singles):
            assert_equal(row_of(step, row), other.step(action[row]))
            assert vector.success[row] == other.success
    first, mid, last = (
        int(kind) for kind in (ts.StepType.FIRST, ts.StepType.MID, ts.StepType.LAST)
    )
    assert {(mid, last), (mid, first), (last, mid), (first, mid)} <= kinds


@pytest.mark.parametrize(
    "dimension, shape",
    [(1, (320, 320)), (2, (320, 320)), (3, (192, 384)), (8, (384, 384)), (32, (448, 448))],
)
def test_images_show_both_goals_and_the_agent(dimension, shape):
    environment = ParticleEnvironment(dimension)
    environment.seed(1)
    demonstrate(environment)
    image = environment.render()
    assert image.shape == (*shape, 3)
    colors = image.reshape(-1, 3).astype(int)
    for color in ([214, 126, 0], [0, 104, 178], [40, 40, 45]):
        assert (np.abs(colors - color).max(axis=1) <= 12).any(), color


def test_gin_configures_the_environment():
    try:
        with gin.unlock_config():
            gin.parse_config("ParticleEnvironment.dimension = 7")
        assert ParticleEnvironment().name == "particle_7d"
        assert ParticleEnvironment(3).name == "particle_3d"
    finally:
        gin.clear_config()
