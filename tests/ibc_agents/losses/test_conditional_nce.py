"""Conditional NCE: its loss compared with NumPy, its noise, and its minimum."""

import hypothesis
import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st

from ibc_agents import losses
from tests.ibc_agents import helpers

SEED = tf.constant([3, 4], tf.int32)
# One of them is out of bounds.
DEMONSTRATION = tf.constant([[0.5, -0.2, 0.0], [7.0, 0.0, 1.0]])
ENERGIES = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=8),
    elements=st.floats(-40, 40, width=32),
)


@helpers.properties
@hypothesis.given(ENERGIES)
def test_agrees_with_numpy(energies):
    """The formula is weight · mean log(1 + e^(E⁺ − E)); the first column is the demonstration."""
    differences = energies[:, :1].astype(np.float64) - energies[:, 1:]
    loss = losses.ConditionalNCE(weight=0.5)
    found = loss(tf.constant(energies[:, 0]), tf.constant(energies[:, 1:]))
    oracle = 0.5 * np.logaddexp(0, differences).mean(axis=1)
    np.testing.assert_allclose(found, oracle, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("sizes", [(0.3, 0.3), (2.0, 2.0), (0.1, 3.0)])
def test_the_data_energy_is_a_minimum_for_any_noise(sizes):
    """For demonstrations from N(0, 1) and E = −t · log p, d loss / dt is 0 at t = 1."""
    loss = losses.ConditionalNCE(4, *sizes)
    demonstration = tf.random.stateless_normal([20_000, 1], [1, 2])
    actions = tf.concat([demonstration[:, None], loss.neighbors(demonstration, SEED)], axis=1)
    factor = tf.ones([20_000])
    with tf.GradientTape() as tape:
        tape.watch(factor)
        energies = factor[:, None] * 0.5 * actions[..., 0] ** 2
        total = loss(energies[:, 0], energies[:, 1:])
    slopes = tape.gradient(total, factor).numpy()
    error = slopes.std() / np.sqrt(len(slopes))
    assert abs(slopes.mean()) < 4 * error
    assert slopes.std() > 0.01


def noise(loss, seed=SEED):
    made = loss.neighbors(DEMONSTRATION, seed)
    assert made.dtype == tf.float32
    return (made - DEMONSTRATION[:, None]).numpy()


def test_noise_of_one_size_is_normal():
    found = noise(losses.ConditionalNCE(10_000, 0.1, 0.1))
    assert found.shape == (2, 10_000, 3)
    assert (np.abs(found.mean(axis=1)) < 5 * 0.1 / np.sqrt(10_000)).all()
    np.testing.assert_allclose(found.std(axis=1), 0.1, rtol=0.05)
    correlations = np.corrcoef(found.reshape(-1, 3).T) - np.eye(3)
    assert (np.abs(correlations) < 5 / np.sqrt(20_000)).all()


def test_sizes_are_log_uniform_and_independent():
    """With log σ uniform in [log a, log b], E log|noise| = (log a + log b) / 2 + E log|N(0, 1)|."""
    found = np.log(np.abs(noise(losses.ConditionalNCE(10_000, 0.01, 1.0))))
    of_normal = -0.5 * (np.euler_gamma + np.log(2))
    np.testing.assert_allclose(found.mean(), np.log(0.1) + of_normal, atol=0.05)
    # The dimensions of one perturbation share its size and are therefore correlated.
    assert np.corrcoef(found.reshape(-1, 3).T)[0, 1] > 0.4
    assert abs(np.corrcoef(found[0, :-1, 0], found[0, 1:, 0])[0, 1]) < 0.06


@pytest.mark.parametrize("seed", [SEED, tf.constant([[1, 2], [3, 4]])], ids=["batch", "rows"])
def test_equal_seeds_give_equal_perturbations(seed):
    loss = losses.ConditionalNCE(20)
    np.testing.assert_array_equal(noise(loss, seed), noise(loss, seed))
    assert not np.intersect1d(noise(loss, seed), noise(loss, seed + 1)).size


@pytest.mark.parametrize(
    "numbers, named",
    [
        (dict(num_neighbors=0), "num_neighbors"),
        (dict(min_stddev=0.0), "min_stddev"),
        (dict(min_stddev=0.5, max_stddev=0.1), "max_stddev"),
        (dict(weight=0.0), "weight"),
    ],
)
def test_invalid_settings_are_rejected(numbers, named):
    with pytest.raises(ValueError, match=named):
        losses.ConditionalNCE(**numbers)


def test_shapes_are_checked():
    with pytest.raises(ValueError, match=r"ConditionalNCE takes energies \[B\] and \[B, N\]"):
        losses.ConditionalNCE()(tf.zeros([2, 1]), tf.zeros([2, 3]))
