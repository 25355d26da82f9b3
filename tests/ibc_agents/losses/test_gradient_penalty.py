"""The gradient penalty compared with NumPy."""

import hypothesis
import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st

from ibc_agents import losses
from tests.ibc_agents import helpers


def numpy_penalty(gradients, margin, weight):
    slope = np.abs(gradients.astype(np.float64)).max(axis=-1)
    return weight * np.square(np.maximum(0.0, slope - margin)).mean(axis=-1)


@helpers.properties
@hypothesis.given(
    hnp.arrays(
        np.float32,
        hnp.array_shapes(min_dims=3, max_dims=3, max_side=5),
        elements=st.floats(-100, 100, width=32),
    ),
    st.floats(0, 3),
    st.floats(0, 3),
)
def test_agrees_with_numpy_single_and_batched(gradients, margin, weight):
    penalty = losses.GradientPenalty(margin, weight)
    oracle = numpy_penalty(gradients, margin, weight)
    np.testing.assert_allclose(penalty(tf.constant(gradients)), oracle, rtol=1e-4, atol=1e-4)
    one_by_one = [penalty(tf.constant(example[None]))[0] for example in gradients]
    np.testing.assert_allclose(one_by_one, oracle, rtol=1e-4, atol=1e-4)


def test_compiled_equals_eager():
    penalty, gradients = losses.GradientPenalty(), 3 * tf.random.normal([4, 5, 2])
    compiled = tf.function(penalty, input_signature=[tf.TensorSpec([None, None, None])])
    np.testing.assert_allclose(compiled(gradients), penalty(gradients), rtol=1e-6)


def test_published_defaults():
    """Margin 1, weight 1, maximum norm of each gradient, mean over samples."""
    gradients = tf.constant([[[0.5, -1.0], [3.0, -4.0]]])
    np.testing.assert_allclose(losses.GradientPenalty()(gradients), [(0 + 9) / 2])


def test_gradients_within_the_margin_have_no_penalty():
    gradients = tf.constant([[[0.99, -0.99]]])
    with tf.GradientTape() as tape:
        tape.watch(gradients)
        penalty = losses.GradientPenalty()(gradients)
    assert penalty.numpy() == [0.0]
    np.testing.assert_array_equal(tape.gradient(penalty, gradients), np.zeros([1, 1, 2]))


@pytest.mark.parametrize("shape", [[3], [3, 2], [1, 1, 1, 1]])
def test_wrong_shape_raises_by_name(shape):
    with pytest.raises(ValueError, match=r"Action gradients must have shape \[B, N, A\], got \("):
        losses.GradientPenalty()(tf.zeros(shape))


@pytest.mark.parametrize("kwargs", [{"margin": -0.1}, {"weight": -1.0}])
def test_negative_settings_raise(kwargs):
    with pytest.raises(ValueError, match=f"GradientPenalty.{[*kwargs][0]} must be"):
        losses.GradientPenalty(**kwargs)
