"""Dense layers."""

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents.networks.layers import dense_resnet
from tests.ibc_agents import helpers


def test_dense_resnet_against_numpy():
    """Blocks h ← h + W₂ relu(W₁ relu(h) + b₁) + b₂."""
    resnet = dense_resnet.DenseResNet(width=3, depth=4)
    inputs = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    resnet(inputs)
    weights = [np.random.default_rng(1).normal(size=v.shape) for v in resnet.trainable_variables]
    assert [w.shape for w in weights] == [(3, 3), (3,)] * 4
    resnet.set_weights(weights)
    hidden = inputs.astype(np.float64)
    for first, first_bias, second, second_bias in (weights[:4], weights[4:]):
        inner = np.maximum(hidden, 0) @ first + first_bias
        hidden = hidden + np.maximum(inner, 0) @ second + second_bias
    np.testing.assert_allclose(resnet(inputs), hidden, rtol=1e-4, atol=1e-5)


def test_biases_and_activations_are_fused_with_products():
    """Two consecutive sums disable all fusions of TensorFlow 2.15's graph optimizer."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        resnet = dense_resnet.DenseResNet(width=4, depth=6)
        inputs = tf.compat.v1.placeholder(tf.float32, [None, 4])
        outputs = resnet(inputs)
        session.run(tf.compat.v1.global_variables_initializer())
        operations = helpers.executed_operations(session, outputs, {inputs: np.ones([8, 4])})
    assert sum("FusedMatMul" in operation for operation in operations) == 6
    assert "BiasAdd" not in operations


def test_depth_zero_is_the_identity():
    inputs = tf.random.normal([2, 3])
    np.testing.assert_array_equal(dense_resnet.DenseResNet(3, 0)(inputs), inputs)


@pytest.mark.parametrize(("width", "depth"), [(8, 3), (8, 1), (8, -2), (0, 2)])
def test_odd_depth_and_zero_width_raise(width, depth):
    with pytest.raises(ValueError, match=r"DenseResNet.(width|depth) must be"):
        dense_resnet.DenseResNet(width, depth)


def test_no_two_layers_start_with_equal_weights():
    tf.keras.utils.set_random_seed(0)
    resnet = dense_resnet.DenseResNet(width=6, depth=6)
    resnet(tf.zeros([1, 6]))
    kernels = [v.numpy() for v in resnet.trainable_variables if v.shape.rank == 2]
    assert len(kernels) == 6
    assert len(np.unique(np.stack(kernels).reshape(6, -1), axis=0)) == 6


def test_flatten_observation_concatenates_in_nest_order():
    observation = {
        "b": tf.reshape(tf.range(12.0), [2, 2, 3]),
        "a": tf.constant([[100, 101], [102, 103]], tf.int32),
    }
    flat = dense_resnet.flatten_observation(observation)
    assert flat.dtype == tf.float32
    np.testing.assert_array_equal(flat[0], [100, 101, 0, 1, 2, 3, 4, 5])
    np.testing.assert_array_equal(flat[1], [102, 103, 6, 7, 8, 9, 10, 11])


def test_an_image_is_rejected_with_a_message():
    image = tf.zeros([2, 1, 8, 8, 3], tf.uint8)
    with pytest.raises(ValueError, match="takes vectors, but a part of the obs"):
        dense_resnet.flatten_observation({"position": tf.zeros([2, 1, 2]), "rgb": image})


def test_layer_norm_and_activation_come_before_each_dense_layer():
    """Compares with h ← h + W₂ relu(N₂(W₁ relu(N₁(h)))) in NumPy."""
    resnet = dense_resnet.DenseResNet(width=5, depth=2, layer_norm=True)
    inputs = np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32)
    resnet(inputs)
    first, second = [v.numpy() for v in resnet.trainable_variables if v.shape.rank == 2]

    def normalize(x):
        return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-3)

    inner = np.maximum(normalize(inputs), 0) @ first
    expected = inputs + np.maximum(normalize(inner), 0) @ second
    np.testing.assert_allclose(resnet(inputs), expected, rtol=1e-4, atol=1e-5)
    assert len(resnet.trainable_variables) == 8


def test_dropout_comes_between_activation_and_dense_layer():
    """Means over many masks equal the layer without dropout."""
    tf.keras.utils.set_random_seed(0)
    resnet = dense_resnet.DenseResNet(width=4, depth=2, activation="linear", dropout_rate=0.5)
    inputs = tf.repeat(tf.random.normal([1, 4]), 20_000, axis=0)
    outputs = resnet(inputs, training=True).numpy()
    without = resnet(inputs)[0].numpy()
    deviation = outputs.std(axis=0) / np.sqrt(len(outputs))
    assert (deviation > 0).all()
    assert (np.abs(outputs.mean(axis=0) - without) < 5 * deviation).all()
    # Four inputs and four inner units, each kept or dropped.
    assert len(np.unique(outputs.round(5), axis=0)) > 100


def test_a_factory_makes_every_dense_layer():
    made = []

    def dense(units):
        made.append(units)
        return tf.keras.layers.Dense(units, kernel_initializer="zeros")

    resnet = dense_resnet.DenseResNet(width=3, depth=4, dense=dense)
    inputs = tf.random.normal([2, 3])
    np.testing.assert_array_equal(resnet(inputs), inputs)
    assert made == [3] * 4


@pytest.mark.parametrize("training", [True, False, None])
def test_training_argument_is_passed_to_layers_that_accept_it(training):
    resnet = dense_resnet.DenseResNet(8, 2, dense=lambda units: tf.keras.layers.Dropout(0.5))
    inputs = tf.ones([2, 8])
    outputs = resnet(inputs, training=training)
    assert (outputs != 2 * inputs).numpy().any() == bool(training)


def test_a_dropout_rate_out_of_range_raises():
    with pytest.raises(ValueError, match="DenseResNet.dropout_rate must be"):
        dense_resnet.DenseResNet(4, 2, dropout_rate=1.5)
