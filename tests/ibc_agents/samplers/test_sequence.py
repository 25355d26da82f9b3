"""Sequences of samplers."""

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents import samplers
from ibc_agents.core import protocols, stateless_random
from tests.ibc_agents import helpers

SEED = tf.constant([31, 32], tf.int32)
INITIAL = 2 * stateless_random.uniform(SEED, 2, [6, 2]) - 1


def test_the_second_sampler_starts_at_the_end_of_the_first():
    first = samplers.Langevin(num_iterations=6)
    second = samplers.Langevin(num_iterations=4, schedule=samplers.Constant(1e-5))
    energy_fn = helpers.quadratic(0.3)
    result = samplers.Sequence([first, second])(
        energy_fn, INITIAL, helpers.UNIT_BOUNDS, SEED, trace=True
    )
    middle = first(
        energy_fn, INITIAL, helpers.UNIT_BOUNDS, stateless_random.fold_in(SEED, 0), trace=True
    )
    end = second(
        energy_fn,
        middle.actions,
        helpers.UNIT_BOUNDS,
        stateless_random.fold_in(SEED, 1),
        trace=True,
    )
    np.testing.assert_array_equal(result.actions, end.actions)
    np.testing.assert_array_equal(result.energies, end.energies)
    np.testing.assert_array_equal(result.trace, np.concatenate([middle.trace, end.trace]))


def test_parents_are_joined_with_the_trace():
    """Without noise every sample equals its parent, also between two samplers."""
    first, second = (samplers.DerivativeFree(rounds, noise_stddev=0.0) for rounds in (3, 2))
    arguments = (helpers.quadratic(0.3), INITIAL, helpers.UNIT_BOUNDS, SEED, True)
    result = samplers.Sequence([first, second, samplers.DerivativeFree(1)])(*arguments)
    assert result.trace.shape[0] == 6 and result.parents.shape == (5, 2, 6)
    for k in range(5):
        made_from = tf.gather(result.trace[k], result.parents[k], batch_dims=1)
        np.testing.assert_array_equal(result.trace[k + 1], made_from)

    class Silent(protocols.Sampler):
        """Returns no parents."""

        def __call__(self, *args):
            return first(*args)._replace(parents=None)

    assert samplers.Sequence([Silent(), second])(*arguments).parents is None


def test_equal_samplers_draw_different_noise():
    class Noise(protocols.Sampler):
        """Returns random actions."""

        def __call__(self, energy_fn, actions, bounds, seed, trace=False):
            drawn = stateless_random.normal(seed, 2, [6, 2])
            return samplers.Langevin(1)(energy_fn, drawn, bounds, seed)._replace(
                actions=drawn, trace=drawn[None]
            )

    trace = samplers.Sequence([Noise(), Noise()])(
        helpers.quadratic(0.0), INITIAL, helpers.UNIT_BOUNDS, SEED, trace=True
    ).trace
    assert (trace[0] != trace[1]).numpy().all()


def test_contract_sampler_a_row_alone_is_the_row_in_a_batch():
    sampler = samplers.Sequence([samplers.DerivativeFree(), samplers.Langevin(num_iterations=3)])
    seeds = tf.constant([[1, 2], [3, 4]], tf.int32)
    energy_fn = helpers.quadratic(0.1)
    batch = sampler(energy_fn, INITIAL, helpers.UNIT_BOUNDS, seeds)
    assert batch.trace is None
    alone = sampler(energy_fn, INITIAL[1:], helpers.UNIT_BOUNDS, seeds[1:])
    np.testing.assert_array_equal(alone.actions[0], batch.actions[1])


def test_an_empty_sequence_raises():
    with pytest.raises(ValueError, match="Sequence.samplers must be a list of Sampler objects"):
        samplers.Sequence([])


def test_capabilities_are_those_of_its_samplers():
    autoregressive, langevin = samplers.Autoregressive(), samplers.Langevin(2)
    assert samplers.Sequence([autoregressive]).searches_prefixes
    assert not samplers.Sequence([langevin]).searches_prefixes
    assert samplers.Sequence([samplers.EachBasin(langevin), langevin]).searches_basins
    with pytest.raises(ValueError, match="Autoregressive and other samplers"):
        samplers.Sequence([autoregressive, langevin])
