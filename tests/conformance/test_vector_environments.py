"""Requirements of all vector environments: each row equals a single environment."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.environments import random_py_environment, utils
from tf_agents.specs import array_spec

from environments.base import Environment, SerialVectorEnvironment, VectorEnvironment, vectorize
from tests.conformance.environment_suite import ENVIRONMENTS, assert_equal, random_action, row_of

SEEDS = (9, 2, 9, 123456789012345678901)


# The form that `vectorize` selects, and the serial form of an environment with a fast form.
FORMS = [(name, "vectorize") for name in sorted(ENVIRONMENTS)] + [("particle", "serial")]


@pytest.fixture(params=FORMS, ids="-".join)
def form(request) -> tuple[str, str]:
    return request.param


@pytest.fixture
def make(form) -> Callable[[], Environment]:
    return ENVIRONMENTS[form[0]]


@pytest.fixture
def make_vector(form, make) -> Callable[[int], VectorEnvironment]:
    if form[1] == "vectorize":
        return functools.partial(vectorize, make)
    return lambda batch_size: SerialVectorEnvironment([make() for _ in range(batch_size)])


def random_actions(environment: VectorEnvironment, rng: np.random.Generator) -> Any:
    rows = [random_action(environment, rng) for _ in range(environment.batch_size)]
    return tf.nest.map_structure(lambda *leaves: np.stack(leaves), *rows)


def test_validation_of_tf_agents(make_vector):
    environment = make_vector(2)
    environment.seed([0, 1])
    utils.validate_py_environment(environment, episodes=3)


def test_rows_are_bit_equal_to_single_environments(make, make_vector):
    """Compares every step, the success and the demonstrator's draws over several episodes."""
    vector, singles = make_vector(len(SEEDS)), [make() for _ in SEEDS]
    vector.seed(SEEDS)
    for single, seed in zip(singles, SEEDS, strict=True):
        single.seed(seed)
    rng = np.random.default_rng(0)
    step = vector.reset()
    expected = [single.reset() for single in singles]
    for _ in range(2 * vector.max_episode_steps + 4):
        spec = array_spec.add_outer_dims_nest(vector.time_step_spec(), (len(SEEDS),))
        assert array_spec.check_arrays_nest(step, spec)
        for row, single in enumerate(singles):
            assert_equal(row_of(step, row), tf.nest.map_structure(np.asarray, expected[row]))
            assert vector.success.dtype == bool and vector.success[row] == single.success
            assert vector.demonstration_rng(row).random() == single.demonstration_rng().random()
        actions = random_actions(vector, rng)
        step = vector.step(actions)
        expected = [single.step(row_of(actions, row)) for row, single in enumerate(singles)]
    np.testing.assert_array_equal(vector.render(1), singles[1].render())


def test_rows_are_independent(make_vector):
    one, other = make_vector(3), make_vector(3)
    one.seed([1, 2, 3])
    other.seed([4, 2, 5])
    rng = np.random.default_rng(0)
    assert_equal(row_of(one.reset(), 1), row_of(other.reset(), 1))
    for _ in range(one.max_episode_steps + 3):
        actions, others = random_actions(one, rng), random_actions(one, rng)
        for mine, copied in zip(tf.nest.flatten(actions), tf.nest.flatten(others), strict=True):
            copied[1] = mine[1]
        assert_equal(row_of(one.step(actions), 1), row_of(other.step(others), 1))


def test_name_and_length_are_those_of_the_task(make, make_vector):
    vector, single = make_vector(2), make()
    assert vector.name == single.name
    assert vector.max_episode_steps == single.max_episode_steps
    assert vector.batched and vector.batch_size == 2
    assert vector.observation_spec() == single.observation_spec()
    assert vector.action_spec() == single.action_spec()


def test_contract_environment_steps_share_no_memory(make_vector):
    environment = make_vector(2)
    environment.seed([0, 1])
    rng = np.random.default_rng(0)
    steps = [environment.reset()]
    for _ in range(environment.max_episode_steps + 1):
        steps.append(environment.step(random_actions(environment, rng)))
    leaves = [tf.nest.flatten(step) for step in steps]
    for older, newer in itertools.pairwise(leaves):
        assert not any(np.shares_memory(a, b) for a in older for b in newer)


def test_actions_of_ended_rows_are_ignored_and_others_are_checked(make_vector):
    environment = make_vector(2)
    environment.seed([0, 1])
    rng = np.random.default_rng(0)
    step = environment.reset()
    while not step.is_last().any():
        step = environment.step(random_actions(environment, rng))
    actions = random_actions(environment, rng)
    for leaf in tf.nest.flatten(actions):
        leaf[step.is_last()] = np.nan
    np.testing.assert_array_equal(environment.step(actions).is_first(), step.is_last())
    for leaf in tf.nest.flatten(actions):
        leaf[...] = np.nan
    with pytest.raises(ValueError, match="action.*finite"):
        environment.step(actions)


def test_a_rejected_action_changes_no_row(make_vector):
    environment, other = make_vector(2), make_vector(2)
    for each in (environment, other):
        each.seed([0, 1])
        each.reset()
    actions = random_actions(environment, np.random.default_rng(0))
    broken = tf.nest.map_structure(np.copy, actions)
    tf.nest.flatten(broken)[-1][1] = 1e3
    with pytest.raises(ValueError, match="action.*range"):
        environment.step(broken)
    assert_equal(environment.step(actions), other.step(actions))


def test_restored_state_continues_bit_equal(make_vector):
    environment = make_vector(2)
    environment.seed([0, 1])
    environment.reset()
    rng = np.random.default_rng(0)
    environment.step(random_actions(environment, rng))
    state = environment.get_state()
    actions = [random_actions(environment, rng) for _ in range(environment.max_episode_steps + 2)]

    def go_on(target: VectorEnvironment) -> list[Any]:
        steps = [(target.step(action), target.success) for action in actions]
        return [*steps, target.render(1)]

    expected = go_on(environment)
    fresh = make_vector(2)
    for target in (environment, fresh, fresh):
        target.set_state(state)
        assert_equal(go_on(target), expected)


@pytest.mark.parametrize("seeds", [[1], [1, 2, 3], 5, [1, -1], [1, 0.5]])
def test_invalid_seeds_are_rejected(make_vector, seeds):
    with pytest.raises(ValueError, match="seeds? must be"):
        make_vector(2).seed(seeds)


def test_render_before_reset_is_rejected(make_vector):
    with pytest.raises(ValueError, match="reset"):
        make_vector(2).render(1)


def test_an_empty_batch_is_rejected(make):
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        vectorize(make, 0)


def test_an_environment_without_the_base_class_is_rejected():
    with pytest.raises(TypeError, match="RandomPyEnvironment is no environments.base.Environment"):
        vectorize(
            lambda: random_py_environment.RandomPyEnvironment(array_spec.ArraySpec([1], float)), 1
        )


def test_rows_of_different_tasks_are_rejected():
    makers = [ENVIRONMENTS["particle_1d"], ENVIRONMENTS["particle"]]
    with pytest.raises(ValueError, match="particle_1d.*particle_2d"):
        SerialVectorEnvironment([make() for make in makers])
