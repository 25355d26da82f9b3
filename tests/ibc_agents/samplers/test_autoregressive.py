"""Autoregressive search, one dimension after another."""

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents import samplers
from ibc_agents.core import protocols, stateless_random
from tests.ibc_agents import helpers

SEED = tf.constant([41, 42], tf.int32)
SIZE = 5
BOUNDS = protocols.Bounds(tf.fill([SIZE], -1.0), tf.fill([SIZE], 1.0))


def chain(prefix):
    """The minimum is 0.4 in the first dimension, and −½ of the previous one in the others."""
    last = prefix[..., -1]
    best = -0.5 * prefix[..., -2] if prefix.shape[-1] > 1 else 0.4
    return 400.0 * tf.square(last - best)


CHAIN = protocols.EnergyFunction(chain)


def initial(batch_size=3, n=200, size=SIZE):
    return 2 * stateless_random.uniform(SEED, batch_size, [n, size]) - 1


def search(energy_fn=CHAIN, rounds=6, trace=False, seed=SEED):
    sampler = samplers.Autoregressive(samplers.DerivativeFree(rounds))
    return sampler(energy_fn, initial(), BOUNDS, seed, trace)


def test_each_dimension_is_conditioned_on_the_previous_ones():
    result = search()
    best = tf.gather(result.actions, tf.argmin(result.energies, axis=1), batch_dims=1)
    expected = 0.4 * (-0.5) ** np.arange(SIZE)
    np.testing.assert_allclose(best, np.tile(expected, [3, 1]), atol=0.02)


def test_samples_share_the_prefix_and_have_the_last_energies():
    result = search()
    assert result.actions.shape == (3, 200, SIZE) and result.energies.shape == (3, 200)
    np.testing.assert_array_equal(
        result.actions[..., :-1], np.repeat(result.actions[:, :1, :-1], 200, axis=1)
    )
    np.testing.assert_allclose(result.energies, chain(result.actions), rtol=1e-6)
    assert result.trace is None and result.parents is None


def test_one_dimension_equals_the_inner_sampler():
    inner = samplers.DerivativeFree(4)
    bounds = protocols.Bounds(BOUNDS.low[:1], BOUNDS.high[:1])
    whole = samplers.Autoregressive(inner)(CHAIN, initial(size=1), bounds, SEED, True)
    alone = inner(CHAIN, initial(size=1), bounds, stateless_random.fold_in(SEED, 0), True)
    for ours, theirs in zip(whole, alone, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_energy_evaluations_grow_linearly_with_the_dimensions():
    """Up to 30 dimensions, the largest action of the paper's tasks (D4RL relocate)."""
    evaluations = {}
    for size in (1, 2, 10, 30):
        scored = []

        def counting(prefix, scored=scored):
            scored.append(prefix.shape[:2].num_elements())
            return chain(prefix)

        bounds = protocols.Bounds(tf.fill([size], -1.0), tf.fill([size], 1.0))
        sampler = samplers.Autoregressive(samplers.DerivativeFree(3))
        result = sampler(protocols.EnergyFunction(counting), initial(size=size), bounds, SEED)
        assert result.actions.shape == (3, 200, size)
        evaluations[size] = sum(scored)
    assert evaluations == {size: size * 3 * 3 * 200 for size in evaluations}


def test_trace_contains_complete_actions_and_their_parents():
    """Without noise every sample is a parent; unsearched dimensions keep their first values."""
    rounds = 3
    sampler = samplers.Autoregressive(samplers.DerivativeFree(rounds, noise_stddev=0.0))
    first = initial()
    result = sampler(chain, first, BOUNDS, SEED, trace=True)
    assert result.trace.shape == (SIZE * rounds, 3, 200, SIZE)
    assert result.parents.shape == (SIZE * rounds - 1, 3, 200)
    np.testing.assert_array_equal(result.trace[0], first)
    np.testing.assert_array_equal(result.trace[-1], result.actions)
    for k in range(SIZE * rounds - 1):
        searched = (k + 1) // rounds  # the dimension that changes
        made_from = tf.gather(result.trace[k], result.parents[k], batch_dims=1)
        now = result.trace[k + 1]
        if (k + 1) % rounds:
            np.testing.assert_array_equal(now[..., : searched + 1], made_from[..., : searched + 1])
        else:
            np.testing.assert_array_equal(now[..., :searched], made_from[..., :searched])
        np.testing.assert_array_equal(now[..., searched + 1 :], first[..., searched + 1 :])


def test_recording_a_trace_does_not_change_the_samples():
    plain, traced = search(), search(trace=True)
    np.testing.assert_array_equal(plain.actions, traced.actions)
    np.testing.assert_array_equal(plain.energies, traced.energies)


def test_stays_within_the_bounds_of_each_dimension():
    bounds = protocols.Bounds(
        tf.constant([-1.0, -0.5, 0.0, 0.2, 0.3]), tf.constant([-0.9, 0.5, 0.0, 0.9, 0.4])
    )
    start = bounds.low + stateless_random.uniform(SEED, 3, [200, SIZE]) * (bounds.high - bounds.low)
    result = samplers.Autoregressive()(chain, start, bounds, SEED)
    assert np.all(result.actions >= bounds.low) and np.all(result.actions <= bounds.high)


def test_equal_seeds_give_equal_samples_and_rows_are_independent():
    first, again, other = search(), search(), search(seed=SEED + 1)
    np.testing.assert_array_equal(first.actions, again.actions)
    assert np.any(first.actions != other.actions)
    rows = tf.constant([[1, 2], [3, 4], [5, 6]], tf.int32)
    sampler = samplers.Autoregressive()
    together = sampler(chain, initial(), BOUNDS, rows)
    alone = sampler(chain, initial()[1:2], BOUNDS, rows[1:2])
    np.testing.assert_array_equal(together.actions[1], alone.actions[0])


@pytest.mark.parametrize("make", [samplers.Langevin, samplers.DerivativeFree])
def test_any_sampler_can_search_a_dimension(make):
    result = samplers.Autoregressive(make(60))(chain, initial(), BOUNDS, SEED, trace=True)
    best = tf.gather(result.actions, tf.argmin(result.energies, axis=1), batch_dims=1)
    expected = 0.4 * (-0.5) ** np.arange(SIZE)
    np.testing.assert_allclose(best, np.tile(expected, [3, 1]), atol=0.05)
    assert helpers.numpy(result.trace).shape[1:] == (3, 200, SIZE)
