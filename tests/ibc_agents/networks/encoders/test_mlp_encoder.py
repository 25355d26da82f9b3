"""Observation encoders."""

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents import networks
from ibc_agents.networks.layers import dense_resnet
from tests.ibc_agents import helpers

OBSERVATION = helpers.make_experience(3, 2).observation


def test_mlp_encoder_is_a_projection_and_residual_blocks():
    encoder = networks.MlpEncoder(width=8, depth=2)
    code = encoder(OBSERVATION)
    kernel, bias, first, first_bias, second, second_bias = [
        variable.numpy() for variable in encoder.trainable_variables
    ]
    hidden = dense_resnet.flatten_observation(OBSERVATION).numpy() @ kernel + bias
    inner = np.maximum(hidden, 0) @ first + first_bias
    expected = hidden + np.maximum(inner, 0) @ second + second_bias
    np.testing.assert_allclose(code, expected, rtol=1e-5, atol=1e-5)


def test_mlp_encoder_depends_on_every_frame():
    encoder = networks.MlpEncoder(width=8, depth=2)
    code = encoder(OBSERVATION).numpy()
    for frame in (0, 1):
        changed = np.array(OBSERVATION["goal"])
        changed[:, frame] += 1.0
        assert (encoder({**OBSERVATION, "goal": tf.constant(changed)}) != code).numpy().any()


def test_mlp_encoder_has_noise_in_training_only():
    plain = networks.MlpEncoder(8, 2)
    noisy = networks.MlpEncoder(8, 2, noise=networks.Noise(0.1, 0.1))
    codes = [noisy(OBSERVATION, training=training).numpy() for training in (True, True, False)]
    plain(OBSERVATION)
    plain.set_weights([weight.numpy() for weight in noisy.trainable_variables])
    np.testing.assert_array_equal(plain(OBSERVATION, training=True), codes[2])
    assert (codes[0] != codes[1]).all() and (codes[0] != codes[2]).all()


def test_noise_of_distances_affects_distances_only():
    noise = networks.Noise(0.1, 0.1)
    encoder = networks.MlpEncoder(8, 2, distances=networks.LogDistances(3, 2, noise=noise))
    exact = encoder(OBSERVATION)
    np.testing.assert_array_equal(encoder(OBSERVATION, training=True), exact)
    share = next(weight for weight in encoder.trainable_variables if weight.shape == (3, 8))
    share.assign(tf.ones([3, 8]))
    blurred, sharp = encoder(OBSERVATION, training=True).numpy(), encoder(OBSERVATION).numpy()
    assert (blurred != sharp).any(axis=1).all()


@pytest.mark.parametrize("dense", [tf.keras.layers.Dense, networks.SpectralNormDense])
def test_distances_start_without_effect_and_are_learned(dense):
    encoder = networks.MlpEncoder(8, 2, dense=dense, distances=networks.LogDistances(3, 2))
    with tf.GradientTape() as tape:
        code = encoder(OBSERVATION, training=True)
    share = next(weight for weight in encoder.trainable_variables if weight.shape == (3, 8))
    assert (tape.gradient(code, share).numpy() != 0).all()
    differences = next(weight for weight in encoder.trainable_variables if weight.shape == (8, 6))
    before = encoder(OBSERVATION).numpy()
    differences.assign(differences + 1.0)
    np.testing.assert_array_equal(encoder(OBSERVATION), before)
    share.assign(tf.ones([3, 8]))
    assert (encoder(OBSERVATION).numpy() != before).all()


def test_odd_depth_raises():
    with pytest.raises(ValueError, match="MlpEncoder.depth must be even"):
        networks.MlpEncoder(depth=5)


def test_regression_network_is_the_encoder_and_a_linear_layer():
    encoder = networks.MlpEncoder(width=8, depth=2)
    network = networks.RegressionNetwork(encoder, output_size=3)
    output, state = network(OBSERVATION, training=True)
    kernel, bias = network.trainable_variables[-2:]
    assert output.shape == (3, 3) and state == ()
    expected = encoder(OBSERVATION).numpy() @ kernel.numpy() + bias.numpy()
    np.testing.assert_allclose(output, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("training", [False, True])
def test_training_argument_is_passed_to_a_regression_networks_encoder(training):
    encoder = tf.keras.Sequential(
        [tf.keras.layers.Lambda(dense_resnet.flatten_observation), tf.keras.layers.Dropout(0.5)]
    )
    network = networks.RegressionNetwork(encoder, output_size=1)
    network(OBSERVATION)
    outputs = [network(OBSERVATION, training=training)[0].numpy() for _ in range(2)]
    assert np.array_equal(*outputs) != training
