"""Convolutions in bfloat16 are close to float32, and their weights are float32."""

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents import networks

IMAGE = tf.constant(np.random.default_rng(0).normal(size=[2, 12, 16, 3]), tf.float32)
# bfloat16 has 8 significant bits. Rounding in a few layers can switch a ReLU or the maximum of a
# pool, which changes a gradient more.
VALUES_TOLERANCE, GRADIENTS_TOLERANCE = 0.03, 0.15


def values_and_gradients(layer):
    with tf.GradientTape() as tape:
        values = layer(IMAGE)
        loss = tf.reduce_mean(tf.cast(values, tf.float32) ** 2)
    return [values, *tape.gradient(loss, layer.trainable_variables)]


def distance(one, other):
    """Returns the relative distance from the first argument."""
    one, other = (tf.cast(tensor, tf.float32) for tensor in (one, other))
    return float(tf.norm(one - other) / tf.norm(one))


@pytest.mark.parametrize(
    "make", [networks.ConvMaxPool, networks.ConvStrided, networks.ConvResNet], ids=str
)
def test_bfloat16_agrees_with_float32_within_its_precision(make):
    tf.keras.utils.set_random_seed(0)
    plain, mixed = make((8, 8, 8)), make((8, 8, 8), dtype="mixed_bfloat16")
    plain(IMAGE), mixed(IMAGE)
    assert {variable.dtype for variable in mixed.variables} == {tf.float32}
    mixed.set_weights(plain.get_weights())
    expected, found = values_and_gradients(plain), values_and_gradients(mixed)
    assert expected[0].dtype == tf.float32 and found[0].dtype == tf.bfloat16
    assert 0 < distance(expected[0], found[0]) < VALUES_TOLERANCE
    for gradient, of_mixed in zip(expected[1:], found[1:], strict=True):
        assert of_mixed.dtype == tf.float32
        assert distance(gradient, of_mixed) < GRADIENTS_TOLERANCE


def test_layers_after_the_convolutions_are_float32():
    """Coordinates need more than the 8 significant bits of bfloat16."""
    convolutions = networks.ConvStrided(dtype="mixed_bfloat16")
    encoder = networks.PixelEncoder([convolutions, networks.SpatialSoftArgmax()])
    frames = np.random.default_rng(0).integers(0, 256, [2, 1, 12, 16, 3])
    code = encoder(tf.constant(frames, tf.uint8)).numpy()
    assert code.dtype == np.float32
    assert not np.array_equal(code, tf.cast(tf.cast(code, tf.bfloat16), tf.float32))
