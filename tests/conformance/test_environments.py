"""Requirements of all environments that `environment_suite` lists."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.environments import utils
from tf_agents.specs import array_spec

from environments.base import Environment
from tests.conformance.environment_suite import (
    ENVIRONMENTS,
    assert_equal,
    episode,
    extreme_action,
    lower_bound_action,
    random_action,
    upper_bound_action,
)


@pytest.fixture(params=sorted(ENVIRONMENTS))
def make(request) -> Callable[[], Environment]:
    return ENVIRONMENTS[request.param]


def test_validation_of_tf_agents(make):
    environment = make()
    environment.seed(0)
    utils.validate_py_environment(environment, episodes=2)


@pytest.mark.parametrize(
    "act", [random_action, extreme_action, lower_bound_action, upper_bound_action]
)
def test_contract_environment_specs_hold_at_every_step(make, act):
    environment = make()
    environment.seed(3)
    for number in range(2):
        for step in episode(environment, act, number):
            assert array_spec.check_arrays_nest(step, environment.time_step_spec()), step


def test_episodes_have_first_mid_last_in_order(make):
    environment = make()
    environment.seed(0)
    types = [int(step.step_type) for step in episode(environment, random_action)]
    assert types == [0] + [1] * (len(types) - 2) + [2]


def test_equal_seeds_give_bit_equal_episodes(make):
    one, other = make(), make()
    one.seed(11)
    episode(other, random_action)
    other.seed(11)
    for number in range(2):
        assert_equal(episode(one, random_action, number), episode(other, random_action, number))


def test_contract_environment_episode_depends_on_seed_and_number(make):
    one, other = make(), make()
    one.seed(5)
    episode(one, random_action)
    other.seed(5)
    other.reset()
    other.step(upper_bound_action(other, np.random.default_rng()))
    assert_equal(episode(one, random_action), episode(other, random_action))
    assert_equal(one.demonstration_rng().random(4), other.demonstration_rng().random(4))


def test_starts_are_random(make):
    environment = make()
    firsts = []
    for seed in (1, 2):
        environment.seed(seed)
        firsts += [environment.reset().observation for _ in range(2)]
    flat = [
        np.concatenate([np.ravel(leaf).astype(np.float64) for leaf in tf.nest.flatten(first)])
        for first in firsts
    ]
    assert len({values.tobytes() for values in flat}) == 4


def test_seed_does_not_affect_the_current_episode(make):
    one, other = make(), make()
    for environment in (one, other):
        environment.seed(7)
        environment.reset()
    one.seed(8)
    action = random_action(one, np.random.default_rng(0))
    assert_equal(one.step(action), other.step(action))
    assert_equal(one.demonstration_rng().random(4), other.demonstration_rng().random(4))


@pytest.mark.parametrize("seed", [-1, 0.5, "one", None])
def test_invalid_seed_is_rejected(make, seed):
    with pytest.raises(ValueError, match="seed must be"):
        make().seed(seed)


def test_no_observation_leaf_is_constant(make):
    environment = make()
    environment.seed(0)
    steps = [step for number in range(3) for step in episode(environment, random_action, number)]
    for leaves in zip(*(tf.nest.flatten(step.observation) for step in steps), strict=True):
        assert any(np.any(leaf != leaves[0]) for leaf in leaves)


def test_contract_environment_steps_share_no_memory(make):
    environment = make()
    environment.seed(0)
    steps = episode(environment, random_action) + [environment.reset()]
    leaves = [tf.nest.flatten((step.observation, step.reward)) for step in steps]
    for older, newer in itertools.pairwise(leaves):
        assert not any(np.shares_memory(a, b) for a in older for b in newer)


def test_changing_an_observation_or_action_in_place_has_no_effect(make):
    clean, scribbled = make(), make()
    rng = np.random.default_rng(0)
    for environment in (clean, scribbled):
        environment.seed(2)
        environment.reset()
    for _ in range(3):
        action = random_action(clean, rng)
        expected = clean.step(tf.nest.map_structure(np.copy, action))
        found = scribbled.step(action)
        assert_equal(found, expected)
        for leaf in tf.nest.flatten((found.observation, action)):
            leaf[...] = 0


def test_step_after_last_begins_the_next_episode(make):
    environment, other = make(), make()
    for each in (environment, other):
        each.seed(4)
        episode(each, random_action)
    assert_equal(environment.step(None), other.reset())
    assert environment.current_time_step().is_first()


def test_success_is_false_before_the_first_episode_and_available_after_last(make):
    environment = make()
    assert environment.success is False
    environment.seed(0)
    episode(environment, random_action)
    outcome = environment.success
    assert isinstance(outcome, bool)
    environment.render()
    environment.get_state()
    environment.seed(1)
    assert environment.success == outcome
    assert environment.current_time_step().is_last()


def test_render_shows_motion(make):
    environment = make()
    with pytest.raises(ValueError, match="reset"):
        environment.render()
    environment.seed(0)
    environment.reset()
    first = environment.render()
    assert first.dtype == np.uint8 and first.ndim == 3 and first.shape[2] == 3
    for _ in range(5):
        environment.step(upper_bound_action(environment, np.random.default_rng()))
    later = environment.render()
    assert later.shape == first.shape and np.any(later != first)
    np.testing.assert_array_equal(environment.render(), later)
    with pytest.raises(ValueError, match="mode"):
        environment.render("human")


def test_restored_state_continues_bit_equal(make):
    """The state is restored twice, and the steps continue into the next episode."""
    environment = make()
    environment.seed(6)
    environment.reset()
    rng = np.random.default_rng(0)
    for _ in range(4):
        environment.step(random_action(environment, rng))
    state = environment.get_state()
    actions = [random_action(environment, rng) for _ in range(environment.max_episode_steps + 2)]

    def go_on(target: Environment) -> list[Any]:
        steps = [target.current_time_step()]
        for action in actions:
            steps.append(target.step(action))
            steps.append((target.success, target.demonstration_rng().random()))
        return [*steps, target.render()]

    expected = go_on(environment)
    fresh = make()
    for target in (environment, fresh, fresh):
        target.set_state(state)
        assert_equal(go_on(target), expected)


def _broken_actions(environment: Environment) -> dict[str, Any]:
    """Returns invalid actions by a part of the error message."""
    good = random_action(environment, np.random.default_rng(0))

    def change(function: Callable[[np.ndarray, Any], np.ndarray]) -> Any:
        return tf.nest.map_structure(function, good, environment.action_spec())

    def above(value: np.ndarray, spec: Any) -> np.ndarray:
        excess = 0.01 * (np.asarray(spec.maximum) - np.asarray(spec.minimum))
        return np.broadcast_to(spec.maximum + excess, value.shape).astype(value.dtype)

    return {
        "structure": {"no": {"such": "leaf"}},
        "shape": change(lambda value, _: np.concatenate([value, value])),
        "dtype": change(lambda value, _: value.astype(np.float16)),
        "finite": change(lambda value, _: np.full_like(value, np.nan)),
        "range": change(above),
    }


@pytest.mark.parametrize("problem", ["structure", "shape", "dtype", "finite", "range"])
def test_invalid_action_is_rejected_and_does_not_affect_the_episode(make, problem):
    environment, other = make(), make()
    for each in (environment, other):
        each.seed(0)
        each.reset()
    with pytest.raises(ValueError, match=f"action.*{problem}"):
        environment.step(_broken_actions(environment)[problem])
    action = random_action(environment, np.random.default_rng(1))
    assert_equal(environment.step(action), other.step(action))


def test_rounding_beyond_a_bound_is_clipped(make):
    environment, other = make(), make()
    for each in (environment, other):
        each.seed(0)
        each.reset()
    bound = upper_bound_action(environment, np.random.default_rng())
    beyond = tf.nest.map_structure(lambda value: np.nextafter(value, np.float32(np.inf)), bound)
    assert_equal(environment.step(beyond), other.step(bound))
