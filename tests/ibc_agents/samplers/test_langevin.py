"""Langevin dynamics."""

import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st

from ibc_agents import samplers
from ibc_agents.core import protocols, stateless_random
from tests.ibc_agents import helpers

SEED = tf.constant([21, 22], tf.int32)
ROW_SEEDS = tf.constant([[1, 2], [3, 4]], tf.int32)


def uniform_actions(n, batch_size=2, dimension=2):
    return 2 * stateless_random.uniform(SEED, batch_size, [n, dimension]) - 1


@tf.function(input_signature=[tf.TensorSpec([2]), tf.TensorSpec([2], tf.int32)])
def descend_published_chain(center, seed):
    energy_fn = helpers.quadratic(center, steepness=20.0)
    result = samplers.Langevin()(energy_fn, uniform_actions(8), helpers.UNIT_BOUNDS, seed)
    return result.actions, result.energies, energy_fn(result.actions)


@helpers.properties
@hypothesis.given(st.tuples(*[st.floats(-0.9, 0.9)] * 2), st.integers(0, 2**31 - 1))
def test_ends_at_the_minimum_of_a_quadratic(center, seed):
    """At the end of the published chain, only the noise of the smallest steps remains."""
    actions, energies, wanted = descend_published_chain(
        tf.constant(center, tf.float32), tf.constant([seed, 0], tf.int32)
    )
    np.testing.assert_allclose(actions, np.broadcast_to(center, (2, 8, 2)), atol=0.1)
    np.testing.assert_allclose(energies, wanted, rtol=1e-6)


@helpers.properties
@hypothesis.given(
    st.lists(st.tuples(st.floats(-5, 5), st.floats(0, 4)), min_size=1, max_size=4),
    st.sampled_from([samplers.PublishedUpdate(3.0, 2.0), samplers.ExactUpdate(3.0, 2.0)]),
    st.integers(0, 2**31 - 1),
)
def test_contract_sampler_stays_in_bounds_and_returns_the_energies_of_its_actions(
    ranges, update, seed
):
    low = np.array([low for low, _ in ranges], np.float32)
    bounds = helpers.make_bounds(low, low + np.array([width for _, width in ranges], np.float32))
    energy_fn = helpers.quadratic(bounds.high + 1.0)
    initial = tf.broadcast_to(bounds.low, [2, 5, len(ranges)])
    sampler = samplers.Langevin(num_iterations=4, update=update)
    result = sampler(energy_fn, initial, bounds, tf.constant([seed, 0], tf.int32))
    assert (result.actions >= bounds.low).numpy().all()
    assert (result.actions <= bounds.high).numpy().all()
    np.testing.assert_array_equal(result.energies, energy_fn(result.actions))


@pytest.mark.parametrize("seed", [SEED, ROW_SEEDS], ids=["batch", "rows"])
def test_published_update_matches_numpy_step_for_step(seed):
    """a ← clip(a − clip(λ_k (½ ∇E + ω n))), with different bounds and clips per dimension."""
    low, high = np.array([-1.0, -0.4], np.float32), np.array([1.0, 0.7], np.float32)
    center, steepness, k_all, omega, fraction = np.float32([0.2, 0.9]), 30.0, 25, 0.7, 0.15
    initial = uniform_actions(6).numpy() * [1.0, 0.4]
    sampler = samplers.Langevin(
        num_iterations=k_all,
        schedule=samplers.Polynomial(0.2, 1e-3, 2.0),
        update=samplers.PublishedUpdate(omega, fraction),
    )
    trace = sampler(
        helpers.quadratic(center, steepness),
        tf.constant(initial, tf.float32),
        helpers.make_bounds(low, high),
        seed,
        trace=True,
    ).trace.numpy()

    noise = stateless_random.normal(seed, 2, [6, k_all, 2]).numpy()
    actions, clipped = np.float32(initial), 0
    np.testing.assert_array_equal(trace[0], actions)
    for k in range(k_all):
        step_size = (0.2 - 1e-3) * (1 - k / (k_all - 1)) ** 2 + 1e-3
        change = step_size * (0.5 * steepness * (actions - center) + omega * noise[:, :, k])
        limit = fraction * 0.5 * (high - low)
        clipped += (np.abs(change) > limit).sum()
        actions = np.clip(actions - np.clip(change, -limit, limit), low, high)
        np.testing.assert_allclose(trace[k + 1], actions, atol=2e-6)
    assert clipped  # the clip is tested


@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_exact_update_samples_the_gaussian(temperature):
    """For E = a²/2s² the stationary variance is τ s² / (1 − λ/4s²), within five errors."""
    variance, step_size = 0.04 / temperature, 0.004 / temperature
    sampler = samplers.Langevin(
        num_iterations=150,
        schedule=samplers.Constant(step_size),
        update=samplers.ExactUpdate(temperature, max_change=1.0),
    )
    center = tf.constant([0.1, -0.2])
    energy_fn = helpers.quadratic(center, steepness=1.0 / variance)
    wide = helpers.make_bounds([-3.0, -3.0], [3.0, 3.0])
    actions = sampler(energy_fn, uniform_actions(10_000), wide, SEED).actions.numpy()
    expected = temperature * variance / (1 - step_size / (4 * variance))
    for row in actions:
        np.testing.assert_allclose(row.mean(0), center, atol=5 * np.sqrt(expected / 10_000))
        np.testing.assert_allclose(row.var(0), [expected] * 2, rtol=5 * np.sqrt(2 / 10_000))


def test_exact_update_clips_the_drift_but_not_the_noise():
    noise = tf.constant([[[4.0, -4.0]]])
    gradient = tf.constant([[[1e6, -1e6]]])
    half_range = tf.constant([1.0, 0.5])
    change = samplers.ExactUpdate(temperature=1.0, max_change=0.1)(
        gradient, noise, 0.25, half_range
    )
    np.testing.assert_allclose(change, [[[2.0 - 0.1, -2.0 + 0.05]]], rtol=1e-6)


def test_normalized_steps_have_the_scheduled_length_for_any_gradient():
    """The length is the root mean square over dimensions; it is 0 only at the minimum."""
    update, schedule = samplers.NormalizedUpdate(), samplers.Polynomial(0.05, 0.005)
    ends = []
    for steepness in (1.0, 1e4):
        result = samplers.Langevin(num_iterations=100, schedule=schedule, update=update)(
            helpers.quadratic([0.3, -0.2], steepness),
            uniform_actions(6),
            helpers.UNIT_BOUNDS,
            SEED,
            trace=True,
        )
        lengths = np.sqrt(np.mean(np.diff(result.trace, axis=0) ** 2, axis=-1))
        wanted = np.broadcast_to(schedule(100)[:, None, None], lengths.shape)
        away = np.abs(result.trace[:-1] - [0.3, -0.2]).max(axis=-1) > 1e-3
        np.testing.assert_allclose(lengths[away], wanted[away], rtol=1e-3)
        ends.append(result.actions)
    # The distance is that of the last steps.
    np.testing.assert_allclose(ends, np.broadcast_to([0.3, -0.2], (2, 2, 6, 2)), atol=0.01)


def test_normalized_steps_ignore_constant_dimensions():
    """The energy may have any gradient in a constant dimension."""
    narrow = protocols.Bounds(tf.constant([-1.0, 0.0]), tf.constant([1.0, 0.0]))
    update, half_range = samplers.NormalizedUpdate(), 0.5 * (narrow.high - narrow.low)
    slopes = [tf.constant([[[2.0, steep]]]) for steep in (0.0, 1e6)]
    noise = tf.zeros([1, 1, 2])
    gentle, steep = (update(slope, noise, tf.constant(0.1), half_range) for slope in slopes)
    np.testing.assert_array_equal(gentle, steep)
    np.testing.assert_allclose(gentle, [[[-0.1 * np.sqrt(2), 0.0]]], rtol=1e-6)


def test_published_change_is_clipped_at_a_tenth_of_half_the_range():
    bounds = helpers.make_bounds([-1.0, -3.0], [1.0, 3.0])
    trace = samplers.Langevin(num_iterations=5)(
        helpers.quadratic(0.0, steepness=1e6), uniform_actions(6), bounds, SEED, trace=True
    ).trace.numpy()
    change = np.abs(np.diff(trace, axis=0)).max(axis=(0, 1, 2))
    np.testing.assert_allclose(change, [0.1, 0.3], rtol=1e-5)


@pytest.mark.parametrize("seed", [SEED, ROW_SEEDS], ids=["batch", "rows"])
def test_contract_sampler_equal_seeds_give_equal_samples(seed):
    def sample(seed):
        return samplers.Langevin(num_iterations=5)(
            helpers.quadratic(0.3), uniform_actions(6), helpers.UNIT_BOUNDS, seed
        ).actions.numpy()

    np.testing.assert_array_equal(sample(seed), sample(seed))
    assert (sample(seed) != sample(seed + 1)).all()


def test_contract_sampler_a_row_alone_is_the_row_in_a_batch():
    initial, sampler = uniform_actions(6), samplers.Langevin(num_iterations=5)
    energy_fn = helpers.quadratic(0.3)
    batch = sampler(energy_fn, initial, helpers.UNIT_BOUNDS, ROW_SEEDS).actions
    for row in range(2):
        one = slice(row, row + 1)
        alone = sampler(energy_fn, initial[one], helpers.UNIT_BOUNDS, ROW_SEEDS[one]).actions
        np.testing.assert_array_equal(alone[0], batch[row])


@pytest.mark.parametrize("mode", ["eager", "compiled", "compiled without autograph"])
def test_runs_all_iterations_with_and_without_autograph(mode):
    """The Learner calls agents without autograph, where Python loops over tensors fail."""
    evaluations = tf.Variable(0)

    def energy_fn(actions):
        evaluations.assign_add(1)
        return tf.reduce_sum(actions**2, axis=-1)

    def run(initial):
        energy = protocols.EnergyFunction(energy_fn)
        return samplers.Langevin()(energy, initial, helpers.UNIT_BOUNDS, SEED, trace=True).trace

    if mode == "compiled":
        run = tf.function(run)
    elif mode == "compiled without autograph":
        run = tf.function(tf.autograph.experimental.do_not_convert(run))
    trace = run(uniform_actions(4)).numpy()
    assert evaluations.numpy() == 101  # 100 gradients, and the energies of the result
    assert trace.shape == (101, 2, 4, 2)
    assert (np.abs(np.diff(trace, axis=0)).max(axis=(1, 2, 3)) > 0).all()


def test_compiled_with_unknown_batch_equals_eager():
    sampler, energy_fn = samplers.Langevin(num_iterations=5), helpers.quadratic(0.2)
    compiled = tf.function(
        lambda actions, seed: sampler(energy_fn, actions, helpers.UNIT_BOUNDS, seed).actions,
        input_signature=[tf.TensorSpec([None, None, 2]), tf.TensorSpec([None, 2], tf.int32)],
    )
    initial = uniform_actions(5)
    eager = sampler(energy_fn, initial, helpers.UNIT_BOUNDS, ROW_SEEDS).actions
    np.testing.assert_allclose(compiled(initial, ROW_SEEDS), eager, atol=1e-6)


def test_trace_does_not_change_the_samples():
    arguments = (helpers.quadratic(0.0), uniform_actions(3), helpers.UNIT_BOUNDS, SEED)
    sampler = samplers.Langevin(num_iterations=4)
    traced, plain = sampler(*arguments, trace=True), sampler(*arguments)
    assert plain.trace is None
    np.testing.assert_array_equal(traced.trace[0], arguments[1])
    np.testing.assert_array_equal(traced.trace[-1], traced.actions)
    own = np.broadcast_to(np.arange(traced.trace.shape[2]), traced.trace.shape[:-1])
    np.testing.assert_array_equal(traced.parents, own[1:])
    np.testing.assert_array_equal(traced.actions, plain.actions)


def test_settings_out_of_range_raise():
    with pytest.raises(ValueError, match="num_iterations must be an integer of at least 1"):
        samplers.Langevin(num_iterations=0)
    for update in (samplers.PublishedUpdate, samplers.ExactUpdate):
        with pytest.raises(ValueError, match="max_change must be a number"):
            update(max_change=0.0)
        with pytest.raises(ValueError, match="(noise_scale|temperature) must be a number"):
            update(-0.5)
