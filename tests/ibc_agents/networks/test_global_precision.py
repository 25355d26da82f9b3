"""Networks compute in float32 under any global setting of Keras."""

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents import networks
from tests.ibc_agents import helpers


@pytest.fixture(params=["mixed_bfloat16", "float64"])
def global_precision(request):
    """Sets Keras' global policy or its default dtype."""
    if request.param == "float64":
        tf.keras.backend.set_floatx("float64")
    else:
        tf.keras.mixed_precision.set_global_policy(request.param)
    yield
    tf.keras.backend.set_floatx("float32")
    tf.keras.mixed_precision.set_global_policy("float32")


def energy_network():
    """Has every kind of layer of vector networks."""
    parts = dict(width=8, depth=2, dropout_rate=0.1, layer_norm=True)
    return networks.MlpEnergyNetwork(
        encoder=networks.MlpEncoder(
            dense=networks.SpectralNormDense,
            noise=networks.Noise(),
            distances=networks.LogDistances(4, 4),
            **parts,
        ),
        head=networks.SoftMinimum(4, 2),
        **parts,
    )


@pytest.mark.parametrize(
    "make",
    [
        helpers.make_mse_agent,
        helpers.make_mdn_agent,
        helpers.make_diffusion_agent,
        lambda: helpers.make_agent(energy_network=energy_network()),
    ],
    ids=["mse", "mdn", "diffusion", "implicit"],
)
def test_contract_layers_compute_in_float32_under_any_global_setting(make, global_precision):
    agent = make()
    before = [variable.numpy() for variable in agent._variables()]
    agent.train(helpers.make_experience(4, 2))
    assert agent.skipped_steps.numpy() == 0
    assert {variable.dtype for variable in agent._variables()} == {tf.float32}
    after = [variable.numpy() for variable in agent._variables()]
    assert any((a != b).any() for a, b in zip(before, after, strict=True))
    step = agent.policy.action(helpers.make_time_step(2), agent.policy.get_initial_state(2))
    assert step.action.dtype == tf.float32 and np.isfinite(step.action).all()


def test_images_are_encoded_in_float32(global_precision):
    layers = [
        networks.ImageCentering(),
        networks.CoordConv(),
        networks.RandomShift(1),
        networks.ConvStrided(channels=(4,), strides=(2,), kernel_sizes=(3,)),
        networks.SpatialSoftArgmax(),
    ]
    code = networks.PixelEncoder(layers)(tf.zeros([2, 1, 12, 16, 3], tf.uint8), training=True)
    assert code.dtype == tf.float32
    flat = networks.FlatEncoder()(tf.zeros([2, 1, 12, 16, 3], tf.uint8))
    assert flat.dtype == tf.float32


def test_a_layer_of_another_precision_is_a_setting(global_precision):
    layer = networks.ConvStrided(dtype="mixed_bfloat16")
    assert layer(tf.zeros([1, 12, 16, 3])).dtype == tf.bfloat16


def test_an_encoder_of_the_user_may_have_another_precision(global_precision):
    encoder = tf.keras.Sequential([tf.keras.layers.Flatten(), tf.keras.layers.Dense(4)])

    class Joined(tf.keras.layers.Layer):
        def call(self, observation):
            return encoder(tf.concat(tf.nest.flatten(observation), axis=-1))

    network = networks.MlpEnergyNetwork(width=8, depth=2, encoder=Joined())
    agent = helpers.make_agent(energy_network=network)
    agent.train(helpers.make_experience(4, 2))
    assert agent.skipped_steps.numpy() == 0
