"""InfoNCE compared with NumPy."""

import hypothesis
import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st

from ibc_agents import losses
from tests.ibc_agents import helpers


def numpy_info_nce(positive, negatives):
    """Returns −log [ exp(−E⁺) / (exp(−E⁺) + Σ_j exp(−E_j)) ] of one example in float64."""
    energies = np.array([positive, *negatives], np.float64)
    shifted = -energies - np.max(-energies)
    return -(shifted[0] - np.log(np.sum(np.exp(shifted))))


def energies(max_size=8, largest=50.0):
    return hnp.arrays(
        np.float32,
        hnp.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=max_size),
        elements=st.floats(-largest, largest, width=32),
    )


@helpers.properties
@hypothesis.given(energies())
def test_agrees_with_numpy_single_batched_and_compiled(table):
    """The first column is the demonstration's energy."""
    oracle = [numpy_info_nce(row[0], row[1:]) for row in table]
    batched = losses.InfoNCE()(tf.constant(table[:, 0]), tf.constant(table[:, 1:]))
    one_by_one = [losses.InfoNCE()(tf.constant(r[:1]), tf.constant(r[None, 1:]))[0] for r in table]
    np.testing.assert_allclose(batched, oracle, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(one_by_one, oracle, rtol=1e-5, atol=1e-5)


def test_compiled_equals_eager():
    loss = losses.InfoNCE()
    positive, negatives = tf.random.normal([5]), tf.random.normal([5, 7])
    compiled = tf.function(
        loss, input_signature=[tf.TensorSpec([None]), tf.TensorSpec([None, None])]
    )
    np.testing.assert_allclose(compiled(positive, negatives), loss(positive, negatives), rtol=1e-6)


@helpers.properties
@hypothesis.given(energies(), st.randoms(use_true_random=False))
def test_order_of_counter_examples_has_no_effect(table, order):
    shuffled = table[:, 1:].copy().T.tolist()
    order.shuffle(shuffled)
    shuffled = np.array(shuffled, np.float32).T
    loss = losses.InfoNCE()
    np.testing.assert_allclose(
        loss(tf.constant(table[:, 0]), tf.constant(table[:, 1:])),
        loss(tf.constant(table[:, 0]), tf.constant(shuffled)),
        rtol=1e-5,
        atol=1e-5,
    )


@pytest.mark.parametrize("n", [1, 8, 256])
@pytest.mark.parametrize("energy", [0.0, -3.0, 1e4])
def test_equal_energies_give_log_of_n_plus_one(n, energy):
    loss = losses.InfoNCE()(tf.fill([2], energy), tf.fill([2, n], energy))
    np.testing.assert_allclose(loss, np.log(n + 1), rtol=1e-6)


@pytest.mark.parametrize("positive", [-1e4, 1e4])
def test_extreme_energies_have_finite_loss_and_gradient(positive):
    energies = tf.constant([[positive, -positive, positive, -positive]])
    with tf.GradientTape() as tape:
        tape.watch(energies)
        loss = losses.InfoNCE()(energies[:, 0], energies[:, 1:])
    expected = numpy_info_nce(energies[0, 0].numpy(), energies[0, 1:].numpy())
    np.testing.assert_allclose(loss, [expected], rtol=1e-6)
    assert np.isfinite(tape.gradient(loss, energies)).all()


def test_contract_energy_low_is_good_training_lowers_the_demonstrations():
    """The gradient is 1 − p for the demonstration and −p for each counter-example."""
    energies = tf.constant([[0.3, -0.2, 1.0]])
    with tf.GradientTape() as tape:
        tape.watch(energies)
        loss = losses.InfoNCE()(energies[:, 0], energies[:, 1:])
    probability = np.exp(-energies) / np.exp(-energies).sum()
    expected = np.array([[1.0, 0.0, 0.0]]) - probability
    np.testing.assert_allclose(tape.gradient(loss, energies), expected, rtol=1e-5)


def test_contract_loss_log_densities_are_accepted():
    positive, negatives = tf.random.normal([3]), tf.random.normal([3, 4])
    with_densities = losses.InfoNCE()(positive, negatives, tf.zeros([3]), tf.ones([3, 4]))
    assert with_densities.shape == (3,)
    np.testing.assert_array_equal(with_densities, losses.InfoNCE()(positive, negatives, None, None))


@pytest.mark.parametrize(
    ("positive", "negatives"), [([3, 1], [3, 4]), ([3], [3]), ([], [4]), ([3], [2, 4])]
)
def test_wrong_shape_raises_by_name(positive, negatives):
    with pytest.raises(ValueError, match=r"InfoNCE takes energies \[B\] and \[B, N\], got \("):
        losses.InfoNCE()(tf.zeros(positive), tf.zeros(negatives))
