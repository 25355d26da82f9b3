"""The distribution over weighted points."""

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents import policies

LOGITS = np.array([[0.0, 1.0, -1.0], [2.0, 0.0, 0.5]], np.float32)


def points(event_shape):
    """Returns points whose elements are 10 r + n in row r and number n."""
    numbers = 10 * np.arange(2)[:, None] + np.arange(3)
    return tf.constant(np.broadcast_to(numbers.T, (*event_shape[::-1], 3, 2)).T, tf.float32)


@pytest.mark.parametrize("event_shape", [(), (4,), (2, 3)])
def test_mode_and_shapes(event_shape):
    distribution = policies.WeightedSamples(points(event_shape), tf.constant(LOGITS))
    assert distribution.batch_shape == (2,) and distribution.event_shape == event_shape
    mode = distribution.mode()
    assert mode.shape == (2, *event_shape)
    np.testing.assert_array_equal(np.reshape(mode, [2, -1])[:, 0], [1, 10])
    assert distribution.sample().shape == (2, *event_shape)
    assert distribution.sample([5, 6]).shape == (5, 6, 2, *event_shape)


def test_samples_follow_the_softmax_of_the_logits():
    distribution = policies.WeightedSamples(points((2,)), tf.constant(LOGITS))
    samples = distribution.sample(6000, seed=7).numpy()
    np.testing.assert_array_equal(samples[..., 0], samples[..., 1])
    for row in range(2):
        probability = np.exp(LOGITS[row]) / np.exp(LOGITS[row]).sum()
        counts = [(samples[:, row, 0] == 10 * row + n).sum() for n in range(3)]
        assert sum(counts) == 6000
        chi_square = np.sum((counts - 6000 * probability) ** 2 / (6000 * probability))
        assert chi_square < 13.8  # the 0.999 quantile at 2 degrees of freedom


def test_equal_weights_and_seeds_draw_the_same_point():
    first = policies.WeightedSamples(points(()), tf.constant(LOGITS))
    second = policies.WeightedSamples(points((2,)), tf.constant(LOGITS))
    seed = tf.constant([1, 2])
    one, other = first.sample(50, seed=seed), second.sample(50, seed=seed)
    np.testing.assert_array_equal(one, other[..., 0])
