"""The accelerated energy network has the wrapped network's variables and values."""

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents import acceleration, networks
from tests.ibc_agents import helpers

OBSERVATION = helpers.make_experience(3, 2).observation
ACTIONS = tf.random.stateless_normal([3, 5, 2], [1, 2])
# bfloat16 has 8 significant bits.
VALUES_TOLERANCE, GRADIENTS_TOLERANCE = 0.03, 0.15


def make_network(**options):
    tf.keras.utils.set_random_seed(0)
    network = networks.MlpEnergyNetwork(width=16, **options)
    network((OBSERVATION, ACTIONS))
    for variable in network.trainable_variables:
        variable.assign_add(tf.random.normal(variable.shape, stddev=0.1))
    return network


def values_of(network, variables):
    """Returns energies, their action gradients, and the derivatives of both in every variable."""
    with tf.GradientTape() as tape:
        code = network.encode(OBSERVATION)
        energies, slopes = network.energy_and_gradient(code, ACTIONS)
        total = tf.reduce_sum(tf.nn.softmax(-energies)[:, 0]) + tf.reduce_sum(tf.square(slopes))
    return energies, slopes, *tape.gradient(total, variables)


@pytest.mark.parametrize(
    "options",
    [
        dict(depth=0),
        dict(depth=2),
        dict(depth=4, activation="swish"),
        dict(depth=2, encoder=networks.MlpEncoder(8, 2)),
        dict(head=networks.SoftMinimum(units=4, num_basins=2)),
        dict(layer_norm=True),
        dict(depth=0, dense=networks.SpectralNormDense),
    ],
    # Not `str`: with addresses of objects, the workers of pytest-xdist would differ in the names.
    ids=["no_layers", "relu", "swish", "encoder", "basins", "layer_norm", "spectral_norm"],
)
def test_energies_gradients_and_second_derivatives_equal_the_wrapped_networks(options):
    network = make_network(**options)
    accelerated = acceleration.Acceleration().network(network)
    expected = values_of(network, network.trainable_variables)
    assert np.abs(expected[1]).max() > 1e-2
    found = values_of(accelerated, network.trainable_variables)
    for value, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-4, atol=1e-4)
    code = network.encode(OBSERVATION)
    np.testing.assert_allclose(
        accelerated.energy(code, ACTIONS), network.energy(code, ACTIONS), rtol=1e-4, atol=1e-5
    )


def test_variables_are_shared_with_the_wrapped_network():
    network = make_network(encoder=networks.MlpEncoder(8, 2))
    accelerated = acceleration.Acceleration().network(network)
    wanted = [variable.ref() for variable in network.trainable_variables]
    assert [variable.ref() for variable in accelerated.trainable_variables] == wanted


def test_biases_and_activations_are_fused_with_products():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        network = networks.MlpEnergyNetwork(width=4, depth=6)
        network((tf.zeros([1, 1, 3]), tf.zeros([1, 1, 2])))
        accelerated = acceleration.Acceleration().network(network)
        actions = tf.compat.v1.placeholder(tf.float32, [1, None, 2])
        code = tf.compat.v1.placeholder(tf.float32, [1, 4])
        outputs = accelerated.energy_and_gradient(code, actions)
        session.run(tf.compat.v1.global_variables_initializer())
        feed = {actions: np.ones([1, 8, 2]), code: np.ones([1, 4])}
        operations = helpers.executed_operations(session, outputs, feed)
    # The first layer and all hidden layers except the last.
    assert sum("FusedMatMul" in operation for operation in operations) >= 6
    assert "BiasAdd" not in operations


def test_basins_equal_the_wrapped_networks():
    network = make_network(head=networks.SoftMinimum(units=4, num_basins=2))
    code = network.encode(OBSERVATION)
    accelerated = acceleration.Acceleration().network(network)
    assert accelerated.num_basins == 2
    np.testing.assert_array_equal(
        accelerated.at(code).basins(ACTIONS), network.at(code).basins(ACTIONS)
    )
    assert acceleration.Acceleration().network(make_network()).at(code).basins is None


@pytest.mark.parametrize("size", [1, 2])
def test_prefix_energies_equal_the_wrapped_networks(size):
    tf.keras.utils.set_random_seed(0)
    network = networks.PrefixEnergyNetwork(lambda: networks.MlpEnergyNetwork(width=16))
    network((OBSERVATION, ACTIONS))
    accelerated = acceleration.Acceleration(blocks=True, block_bytes=4 * 16 * 4).network(network)
    assert accelerated.scores_prefixes
    code, prefixes = network.encode(OBSERVATION), ACTIONS[..., :size]
    assert network.dense_energy(code, size) is not None
    expected = network.energy(code, prefixes)
    np.testing.assert_allclose(accelerated.energy(code, prefixes), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(accelerated.at(code)(prefixes), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("head", [None, networks.SoftMinimum(units=4)], ids=["linear", "basins"])
def test_products_in_bfloat16_are_close_to_float32(head):
    network = make_network(depth=4, head=head)
    mixed = acceleration.Acceleration(product_dtype="bfloat16").network(network)
    assert {variable.dtype for variable in mixed.variables} == {tf.float32}
    expected = values_of(network, network.trainable_variables)
    found = values_of(mixed, network.trainable_variables)
    assert 0 < distance(expected[0], found[0]) < VALUES_TOLERANCE
    for wanted, value in zip(expected[1:], found[1:], strict=True):
        assert value.dtype == tf.float32
        if tf.norm(wanted) > 1e-5:  # the last bias has no effect
            assert distance(wanted, value) < GRADIENTS_TOLERANCE


def test_unsupported_dtypes_are_rejected():
    with pytest.raises(ValueError, match="must be one of 'float32', 'bfloat16'; got 'float16'"):
        acceleration.Acceleration(product_dtype="float16")


def distance(one, other):
    """Returns the relative distance from the first argument."""
    return float(tf.norm(one - other) / tf.norm(one))


class Steeper(networks.MlpEnergyNetwork):
    """A user's own energy on the layers of `MlpEnergyNetwork`."""

    def energy(self, code, actions, training=False):
        return super().energy(code, actions, training) + tf.reduce_sum(actions**2, axis=-1)


class Shifted(networks.SoftMinimum):
    """A user's own head, which differs in training."""

    def call(self, inputs, training=False):
        return super().call(inputs) + (1.0 if training else 0.0)


def test_the_energy_of_a_subclass_is_its_own():
    network = Steeper(width=16)
    network((OBSERVATION, ACTIONS))
    accelerated, code = acceleration.Acceleration().network(network), network.encode(OBSERVATION)
    found = accelerated.energy_and_gradient(code, ACTIONS)
    for value, wanted in zip(found, network.energy_and_gradient(code, ACTIONS), strict=True):
        np.testing.assert_array_equal(value, wanted)
    np.testing.assert_array_equal(accelerated.at(code)(ACTIONS), network.energy(code, ACTIONS))


def test_a_head_of_a_subclass_knows_whether_it_trains():
    network = make_network(head=Shifted(units=4))
    accelerated, code = acceleration.Acceleration().network(network), network.encode(OBSERVATION)
    np.testing.assert_allclose(
        accelerated.energy(code, ACTIONS, training=True), network.energy(code, ACTIONS) + 1, 1e-5
    )


@pytest.mark.parametrize(
    "options", [dict(layer_norm=True), dict(dense=networks.SpectralNormDense)], ids=str
)
def test_bfloat16_is_rejected_where_it_has_no_effect(options):
    """Already by the agent's constructor."""
    mixed = acceleration.Acceleration(product_dtype="bfloat16")
    network = networks.MlpEnergyNetwork(width=16, **options)
    with pytest.raises(ValueError, match="product_dtype is bfloat16, but MlpEnergyNetwork is no"):
        helpers.make_agent(energy_network=network, acceleration=mixed)
    assert helpers.make_agent(acceleration=mixed).validate(helpers.make_experience(3, 2)).loss > 0
