"""Ranking NCE compared with NumPy and InfoNCE, and its minimum."""

import hypothesis
import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st

from ibc_agents import losses
from tests.ibc_agents import helpers

TABLES = hnp.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=8).flatmap(
    lambda shape: st.tuples(
        *[hnp.arrays(np.float32, shape, elements=st.floats(-40, 40, width=32))] * 2
    )
)


@helpers.properties
@hypothesis.given(TABLES)
def test_agrees_with_numpy(tables):
    """The formula is −log [ (e^−E⁺ / q⁺) / Σ (e^−E / q) ]; column 0 is the demonstration."""
    energies, log_probs = tables
    logits = -energies.astype(np.float64) - log_probs
    shifted = logits - logits.max(axis=1, keepdims=True)
    oracle = np.log(np.exp(shifted).sum(axis=1)) - shifted[:, 0]
    found = losses.RankingNCE()(
        *(tf.constant(part) for part in (energies[:, 0], energies[:, 1:])),
        *(tf.constant(part) for part in (log_probs[:, 0], log_probs[:, 1:])),
    )
    np.testing.assert_allclose(found, oracle, rtol=1e-5, atol=1e-4)


def test_equals_info_nce_for_a_uniform_proposal():
    energies = tf.random.normal([5, 9])
    log_probs = tf.fill([5, 9], -1.7)
    np.testing.assert_allclose(
        losses.RankingNCE()(energies[:, 0], energies[:, 1:], log_probs[:, 0], log_probs[:, 1:]),
        losses.InfoNCE()(energies[:, 0], energies[:, 1:]),
        rtol=1e-5,
    )


def test_a_demonstration_outside_the_proposals_support_is_finite():
    energies = tf.Variable([[0.3, 0.1, 0.2]])
    log_probs = tf.constant([[-np.inf, -1.0, -1.0]])
    with tf.GradientTape() as tape:
        found = losses.RankingNCE()(
            energies[:, 0], energies[:, 1:], log_probs[:, 0], log_probs[:, 1:]
        )
    np.testing.assert_array_equal(found, [0.0])
    np.testing.assert_array_equal(tape.gradient(found, energies), [[0.0, 0.0, 0.0]])


def slope_at_the_truth(loss, temperature):
    """Returns d loss / dt of E = −t · log p at t = 1, and its standard error.

    Demonstrations are N(0, 1), counter-examples N(0.5, temperature²).
    """
    rng = np.random.default_rng(0)
    demonstrations = rng.normal(0.0, 1.0, [20_000, 1])
    others = rng.normal(0.5, temperature, [20_000, 8])
    actions = tf.constant(np.concatenate([demonstrations, others], axis=1), tf.float32)
    log_q = -0.5 * ((actions - 0.5) / temperature) ** 2
    factor = tf.ones([20_000])
    with tf.GradientTape() as tape:
        tape.watch(factor)
        energies = factor[:, None] * 0.5 * actions**2
        total = loss(energies[:, 0], energies[:, 1:], log_q[:, 0], log_q[:, 1:])
    slopes = tape.gradient(total, factor).numpy()
    return slopes.mean(), slopes.std() / np.sqrt(len(slopes))


def test_the_data_energy_is_a_minimum_for_any_proposal():
    for temperature in (0.8, 2.0):
        slope, error = slope_at_the_truth(losses.RankingNCE(), temperature)
        assert abs(slope) < 4 * error
        # InfoNCE, without the correction, has a different minimum.
        slope, error = slope_at_the_truth(losses.InfoNCE(), temperature)
        assert abs(slope) > 10 * error


def test_counter_examples_without_a_density_are_rejected():
    with pytest.raises(ValueError, match="RankingNCE needs the density.*CounterExamples.sampler"):
        losses.RankingNCE()(tf.zeros([2]), tf.zeros([2, 3]))


def test_shapes_are_checked():
    with pytest.raises(ValueError, match=r"RankingNCE takes energies \[B\] and \[B, N\]"):
        losses.RankingNCE()(tf.zeros([2, 1]), tf.zeros([2, 3]))
