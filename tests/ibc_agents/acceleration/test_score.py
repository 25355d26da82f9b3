"""Losses and gradients in blocks of examples equal those of one batch."""

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents.acceleration import score as score_lib


@pytest.mark.parametrize("size", [1, 2, 5, 7])
def test_gradient_of_a_mean_of_squares(size):
    """d/dw mean (w c)² = 2 w mean c², for any size of the last block."""
    weight = tf.Variable(3.0)
    code = tf.constant(np.arange(5.0)[:, None], tf.float32)

    def score(code, rows):
        value = weight * code[:, 0] + rows
        return tf.square(value), {"value": value}

    with tf.GradientTape() as tape:
        tape.watch(code)
        values, report = score_lib.losses_in_blocks(score, code, tf.zeros([5]), [weight], size)
        total = tf.reduce_mean(values)
    in_weight, in_code = tape.gradient(total, [weight, code])
    np.testing.assert_allclose(values, 9 * np.arange(5.0) ** 2)
    np.testing.assert_allclose(report["value"], 3 * np.arange(5.0))
    np.testing.assert_allclose(in_weight, 2 * 3 * np.mean(np.arange(5.0) ** 2))
    np.testing.assert_allclose(in_code[:, 0], 2 * 9 * np.arange(5.0) / 5)
