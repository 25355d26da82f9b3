"""Derivative-free optimization."""

import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st

from ibc_agents import samplers
from ibc_agents.core import protocols, stateless_random
from tests.ibc_agents import helpers

SEED = tf.constant([11, 12], tf.int32)


def uniform_actions(n, bounds=helpers.UNIT_BOUNDS, batch_size=2, seed=SEED):
    unit = stateless_random.uniform(seed, batch_size, [n, bounds.low.shape[0]])
    return bounds.low + unit * (bounds.high - bounds.low)


@helpers.properties
@hypothesis.given(
    st.lists(st.tuples(st.floats(-5, 5), st.floats(0, 4)), min_size=1, max_size=4),
    st.integers(1, 30),
    st.integers(0, 2**31 - 1),
)
def test_contract_sampler_stays_in_bounds_and_returns_the_energies_of_its_actions(ranges, n, seed):
    low = np.array([low for low, _ in ranges], np.float32)
    bounds = helpers.make_bounds(low, low + np.array([width for _, width in ranges], np.float32))
    energy_fn = helpers.quadratic(bounds.high, steepness=3.0)
    seed = tf.constant([seed, 1], tf.int32)
    result = samplers.DerivativeFree()(energy_fn, uniform_actions(n, bounds), bounds, seed)
    assert result.actions.shape == (2, n, len(ranges)) and result.energies.shape == (2, n)
    assert (result.actions >= bounds.low).numpy().all()
    assert (result.actions <= bounds.high).numpy().all()
    np.testing.assert_array_equal(result.energies, energy_fn(result.actions))


@pytest.mark.parametrize("seed", [SEED, tf.constant([[1, 2], [3, 4]])], ids=["batch", "rows"])
def test_contract_sampler_equal_seeds_give_equal_samples(seed):
    def sample(seed):
        initial = uniform_actions(30)
        return samplers.DerivativeFree()(
            helpers.quadratic(0.0), initial, helpers.UNIT_BOUNDS, seed
        ).actions.numpy()

    np.testing.assert_array_equal(sample(seed), sample(seed))
    assert (sample(seed) != sample(seed + 1)).mean() > 0.9


def test_contract_sampler_a_row_alone_is_the_row_in_a_batch():
    seeds = tf.constant([[1, 2], [3, 4], [5, 6]], tf.int32)
    centers = tf.constant([[[0.5, 0.1]], [[-0.9, 0.0]], [[0.2, -0.3]]])
    initial = uniform_actions(40, batch_size=3)
    sampler = samplers.DerivativeFree()
    batch = sampler(helpers.quadratic(centers), initial, helpers.UNIT_BOUNDS, seeds)
    for row in range(3):
        one = slice(row, row + 1)
        alone = sampler(
            helpers.quadratic(centers[one]), initial[one], helpers.UNIT_BOUNDS, seeds[one]
        )
        np.testing.assert_array_equal(alone.actions[0], batch.actions[row])
        np.testing.assert_array_equal(alone.energies[0], batch.energies[row])


def test_starts_within_the_bounds():
    outside = tf.constant([[[2.0, -3.0], [0.5, 0.0]]])
    result = samplers.DerivativeFree(1)(helpers.quadratic(0.0), outside, helpers.UNIT_BOUNDS, SEED)
    np.testing.assert_array_equal(result.actions, [[[1.0, -1.0], [0.5, 0.0]]])


def test_finds_the_minimum_of_a_quadratic():
    center = tf.constant([0.3, -0.7])
    result = samplers.DerivativeFree(num_iterations=6)(
        helpers.quadratic(center, steepness=100.0), uniform_actions(512), helpers.UNIT_BOUNDS, SEED
    )
    best = tf.gather(result.actions, tf.argmin(result.energies, axis=1), batch_dims=1)
    np.testing.assert_allclose(best, [center] * 2, atol=0.03)


def test_finds_the_deeper_of_two_wells():
    def two_wells(actions):
        return 40.0 * tf.minimum(tf.abs(actions + 0.5), tf.abs(actions - 0.6) + 0.2)[..., 0]

    bounds = helpers.make_bounds([-1.0], [1.0])
    result = samplers.DerivativeFree(num_iterations=5)(
        two_wells, uniform_actions(512, bounds), bounds, SEED
    )
    best = tf.gather(result.actions, tf.argmin(result.energies, axis=1), batch_dims=1)
    np.testing.assert_allclose(best, [[-0.5]] * 2, atol=0.01)


def test_published_defaults_have_three_rounds_with_halved_noise():
    scored = []

    def flat(actions):
        scored.append(actions)
        return tf.zeros(tf.shape(actions)[:2])

    initial = tf.zeros([1, 20_000, 1])
    wide = helpers.make_bounds([-10.0], [10.0])
    result = samplers.DerivativeFree()(flat, initial, wide, SEED)
    assert len(scored) == 3
    np.testing.assert_array_equal(scored[0], initial)
    np.testing.assert_array_equal(scored[2], result.actions)
    # Equal energies resample uniformly, so the variances of the two noises add.
    np.testing.assert_allclose(tf.math.reduce_std(scored[1]), 0.33, rtol=0.03)
    np.testing.assert_allclose(tf.math.reduce_std(scored[2]), np.hypot(0.33, 0.165), rtol=0.03)


@pytest.mark.parametrize("seed", [SEED, tf.range(40)[:, None] + [[5, 7]]], ids=["batch", "rows"])
def test_resamples_in_proportion_to_the_exponential_of_minus_the_energy(seed):
    values = np.array([-0.8, -0.1, 0.3, 0.9], np.float32)
    energies = np.array([0.0, 0.7, 1.5, 3.0], np.float32)
    rows, n = 40, 4000
    initial = tf.constant(np.tile(np.resize(values, n)[None, :, None], [rows, 1, 1]))

    def energy_fn(actions):
        return tf.gather(energies, tf.argmin(tf.abs(actions - values), axis=-1))

    sampler = samplers.DerivativeFree(num_iterations=2, noise_stddev=0.0)
    actions = sampler(
        protocols.EnergyFunction(energy_fn), initial, helpers.make_bounds([-1.0], [1.0]), seed
    ).actions.numpy()
    counts = (actions == values).sum(axis=1)
    expected = n * np.exp(-energies) / np.exp(-energies).sum()
    chi_square = np.sum((counts - expected) ** 2 / expected)
    assert chi_square < 173.6  # the 0.999 quantile at 3 degrees of freedom for each of 40 rows
    assert len(np.unique(counts, axis=0)) > 30


def test_samples_of_infinite_energy_are_never_drawn():
    initial = tf.constant([[[0.1], [0.2], [0.3]]])
    energies = tf.constant([[np.inf, 0.0, np.inf]])
    sampler = samplers.DerivativeFree(num_iterations=2, noise_stddev=0.0)
    result = sampler(
        protocols.EnergyFunction(lambda _: energies),
        initial,
        helpers.make_bounds([-1.0], [1.0]),
        SEED,
    )
    np.testing.assert_array_equal(result.actions, np.full([1, 3, 1], np.float32(0.2)))


def test_trace_begins_with_the_initial_actions_and_ends_with_the_result():
    initial = uniform_actions(7)
    arguments = (helpers.quadratic(0.0), initial, helpers.UNIT_BOUNDS, SEED)
    result = samplers.DerivativeFree(num_iterations=4)(*arguments, trace=True)
    assert result.trace.shape == (4, 2, 7, 2)
    np.testing.assert_array_equal(result.trace[0], initial)
    np.testing.assert_array_equal(result.trace[-1], result.actions)
    plain = samplers.DerivativeFree(num_iterations=4)(*arguments)
    assert plain.trace is None
    np.testing.assert_array_equal(plain.actions, result.actions)


def test_parents_are_the_samples_before_noise():
    """Without noise a sample equals its parent, and a steep energy has few parents."""
    sampler = samplers.DerivativeFree(num_iterations=4, noise_stddev=0.0)
    arguments = (helpers.quadratic(0.0, 30.0), uniform_actions(50), helpers.UNIT_BOUNDS, SEED)
    result = sampler(*arguments, trace=True)
    assert result.parents.shape == (3, 2, 50)
    for k in range(3):
        made_from = tf.gather(result.trace[k], result.parents[k], batch_dims=1)
        np.testing.assert_array_equal(result.trace[k + 1], made_from)
        assert len(np.unique(result.parents[k, 0])) < 50
    assert sampler(*arguments).parents is None


def test_compiled_with_unknown_batch_equals_eager():
    sampler = samplers.DerivativeFree()
    energy_fn = helpers.quadratic(0.2)
    compiled = tf.function(
        lambda actions, seed: sampler(energy_fn, actions, helpers.UNIT_BOUNDS, seed).actions,
        input_signature=[tf.TensorSpec([None, None, 2]), tf.TensorSpec([None, 2], tf.int32)],
    )
    seeds = tf.constant([[1, 2], [3, 4]], tf.int32)
    initial = uniform_actions(25)
    eager = sampler(energy_fn, initial, helpers.UNIT_BOUNDS, seeds).actions
    np.testing.assert_allclose(compiled(initial, seeds), eager, atol=1e-6)


@pytest.mark.parametrize(
    "kwargs",
    [{"num_iterations": 0}, {"noise_stddev": -0.1}, {"noise_shrink": 0.0}, {"noise_shrink": 1.1}],
)
def test_settings_out_of_range_raise(kwargs):
    with pytest.raises(ValueError, match=f"DerivativeFree.{[*kwargs][0]} must be"):
        samplers.DerivativeFree(**kwargs)
