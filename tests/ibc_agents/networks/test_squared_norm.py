"""The energy as a squared distance."""

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents import networks


def test_is_the_scaled_squared_norm_of_an_affine_map():
    layer = networks.SquaredNorm(units=5)
    inputs = tf.random.normal([7, 3])
    found = layer(inputs)
    factor, kernel, bias = layer.get_weights()
    assert found.shape == (7, 1)
    assert np.isclose(factor, -np.log(5))
    bias = bias + 0.3
    factor = np.float32(0.7)
    layer.set_weights([factor, kernel, bias])
    expected = np.exp(factor) * ((inputs @ kernel + bias) ** 2).numpy().sum(axis=1)
    np.testing.assert_allclose(layer(inputs)[:, 0], expected, rtol=1e-5)


def test_all_of_it_is_learned():
    layer = networks.SquaredNorm(units=2)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(tf.ones([1, 3])))
    gradients = tape.gradient(loss, layer.trainable_variables)
    assert len(gradients) == 3
    assert all(gradient is not None for gradient in gradients)


def test_no_units_are_refused():
    with pytest.raises(ValueError, match="units must be at least 1"):
        networks.SquaredNorm(units=0)
