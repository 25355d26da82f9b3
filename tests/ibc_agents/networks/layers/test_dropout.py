"""Dropout."""

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents.networks.layers import dropout


def test_drops_its_share_and_scales_the_rest():
    tf.keras.utils.set_random_seed(0)
    outputs = dropout.Dropout(0.25)(tf.fill([400, 100], 3.0), training=True).numpy()
    np.testing.assert_allclose(np.unique(outputs), [0.0, 4.0], rtol=1e-6)
    # 40,000 draws: five standard deviations.
    assert abs((outputs == 0).mean() - 0.25) < 5 * np.sqrt(0.25 * 0.75 / 40_000)


def test_gradients_are_those_of_the_kept_units():
    layer, inputs = dropout.Dropout(0.25), tf.ones([8, 8])
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = layer(inputs, training=True)
    np.testing.assert_allclose(tape.gradient(outputs, inputs), outputs, rtol=1e-6)


@pytest.mark.parametrize("rate", [-0.1, 1.0, float("nan")])
def test_a_rate_out_of_range_raises(rate):
    with pytest.raises(ValueError, match=r"Dropout.rate must be a number in \[0, 1\)"):
        dropout.Dropout(rate)
