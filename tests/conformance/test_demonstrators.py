"""Requirements of all demonstrators that `environment_suite` lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.drivers import py_driver
from tf_agents.policies import py_policy
from tf_agents.specs import array_spec

from environments.base import Environment, vectorize
from tests.conformance.environment_suite import DEMONSTRATORS, assert_equal, row_of


@pytest.fixture(params=sorted(DEMONSTRATORS))
def makers(request) -> tuple[Callable[[], Environment], Callable[[Any], Any]]:
    """Factories of the environment and, from it, of its demonstrator."""
    return DEMONSTRATORS[request.param]


def demonstrate(environment: Any, demonstrator: Any, steps: int) -> list[Any]:
    """Returns time step, action and memory of a number of steps over several episodes."""
    time_step = environment.reset()
    state = demonstrator.get_initial_state(environment.batch_size)
    seen = []
    for _ in range(steps):
        action, state, info = demonstrator.action(time_step, state)
        assert info == ()
        seen.append((time_step, action, state))
        time_step = environment.step(action)
    return seen


def test_demonstrations_are_reproducible_and_satisfy_their_specs(makers):
    """Episodes of one seed are equal, independent of an earlier demonstrator."""
    make_environment, make_demonstrator = makers
    environment = make_environment()
    steps = environment.max_episode_steps + 5
    runs = []
    for _ in range(2):
        demonstrator = make_demonstrator(environment)
        assert isinstance(demonstrator, py_policy.PyPolicy)
        environment.seed(1)
        runs.append(demonstrate(environment, demonstrator, steps))
    assert_equal(*runs)
    for _, action, state in runs[0]:
        assert array_spec.check_arrays_nest(action, environment.action_spec())
        assert array_spec.check_arrays_nest(state, demonstrator.policy_state_spec)


def test_rows_are_bit_equal_to_single_demonstrations(makers):
    make_environment, make_demonstrator = makers
    seeds = [3, 1, 4]
    vector = vectorize(make_environment, len(seeds))
    vector.seed(seeds)
    steps = vector.max_episode_steps + 5
    together = demonstrate(vector, make_demonstrator(vector), steps)
    for row, seed in enumerate(seeds):
        single = make_environment()
        single.seed(seed)
        alone = demonstrate(single, make_demonstrator(single), steps)
        for left, right in zip(together, alone, strict=True):
            assert_equal(row_of(left, row), tf.nest.map_structure(np.asarray, right))


def test_inputs_do_not_change(makers):
    make_environment, make_demonstrator = makers
    environment = make_environment()
    environment.seed(0)
    demonstrator = make_demonstrator(environment)
    for time_step, _, state in demonstrate(environment, demonstrator, 10)[1:]:
        before = tf.nest.map_structure(np.copy, (time_step, state))
        demonstrator.action(time_step, state)
        assert_equal((time_step, state), before)


@pytest.mark.parametrize("initial", ["none", "batch of one", "stale"])
def test_memory_is_reset_at_first(makers, initial):
    make_environment, make_demonstrator = makers
    environment = make_environment()
    environment.seed(0)
    demonstrator = make_demonstrator(environment)
    _, _, stale = demonstrate(environment, demonstrator, environment.max_episode_steps)[-1]
    states = {"none": (), "batch of one": demonstrator.get_initial_state(1), "stale": stale}
    time_step = environment.reset()
    found = demonstrator.action(time_step, states[initial])
    assert_equal(found, demonstrator.action(time_step, demonstrator.get_initial_state()))


def test_a_tf_agents_driver_collects_successful_episodes(makers):
    make_environment, make_demonstrator = makers
    environment = make_environment()
    environment.seed(0)
    demonstrator = make_demonstrator(environment)
    outcomes: list[bool] = []

    def observe(trajectory: Any) -> None:
        if trajectory.is_last():
            outcomes.append(environment.success)

    driver = py_driver.PyDriver(
        environment, demonstrator, [observe], max_episodes=2, end_episode_on_boundary=False
    )
    driver.run(environment.reset(), demonstrator.get_initial_state())
    assert outcomes == [True, True]
