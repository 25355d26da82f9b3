"""Observation encoders."""

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents import networks
from ibc_agents.networks import layers
from tests.ibc_agents import helpers

OBSERVATION = helpers.make_experience(3, 2).observation


def test_mlp_encoder_keeps_the_observation_beside_what_it_learns():
    encoder = networks.MlpEncoder(width=8, depth=2)
    code = encoder(OBSERVATION)
    assert code.shape == (3, 8 + 8)
    np.testing.assert_array_equal(code[:, :8], layers.flatten_observation(OBSERVATION))
    assert len(encoder.trainable_variables) == 6


def test_mlp_encoder_alone_returns_activations():
    code = networks.MlpEncoder(width=8, depth=2, keep_observation=False)(OBSERVATION)
    assert code.shape == (3, 8)
    assert (code >= 0).numpy().all() and (code > 0).numpy().any()


def test_mlp_encoder_sees_every_frame_of_the_window():
    encoder = networks.MlpEncoder(width=8, depth=2, keep_observation=False)
    code = encoder(OBSERVATION).numpy()
    for frame in (0, 1):
        changed = np.array(OBSERVATION["goal"])
        changed[:, frame] += 1.0
        assert (encoder({**OBSERVATION, "goal": tf.constant(changed)}) != code).numpy().any()


def test_odd_depth_raises():
    with pytest.raises(ValueError, match="even depth"):
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
def test_training_reaches_a_regression_networks_encoder(training):
    encoder = tf.keras.Sequential(
        [tf.keras.layers.Lambda(layers.flatten_observation), tf.keras.layers.Dropout(0.5)]
    )
    network = networks.RegressionNetwork(encoder, output_size=1)
    network(OBSERVATION)
    outputs = [network(OBSERVATION, training=training)[0].numpy() for _ in range(2)]
    assert np.array_equal(*outputs) != training
