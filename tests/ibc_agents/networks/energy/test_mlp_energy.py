"""The dense energy network."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents import networks
from ibc_agents.networks.layers import dense_resnet
from tests.ibc_agents import helpers

# A nested observation window, [B, T, …], and actions [B, N, A].
OBSERVATION = helpers.make_experience(3, 2).observation
ACTIONS = tf.random.stateless_normal([3, 5, 2], [1, 2])


class CountingEncoder(tf.keras.layers.Layer):
    """Flattens the observation; records its number of calls and the `training` argument."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def call(self, observation, training=None):
        self.calls.append((observation["goal"].shape[0], training))
        return dense_resnet.flatten_observation(observation)


@pytest.fixture(params=["plain", "encoder"])
def network(request):
    tf.keras.utils.set_random_seed(0)
    encoder = networks.MlpEncoder(width=8, depth=2) if request.param == "encoder" else None
    return networks.MlpEnergyNetwork(width=16, depth=4, encoder=encoder)


def test_contract_energy_network_call_joins_encode_and_energy(network):
    energies, state = network((OBSERVATION, ACTIONS))
    assert energies.shape == (3, 5) and energies.dtype == tf.float32 and state == ()
    code = network.encode(OBSERVATION)
    assert code.shape == (3, 16)
    np.testing.assert_array_equal(network.energy(code, ACTIONS), energies)


def test_contract_energy_network_scores_each_action_alone(network):
    together = network((OBSERVATION, ACTIONS))[0]
    for n in range(5):
        alone = network((OBSERVATION, ACTIONS[:, n : n + 1]))[0]
        np.testing.assert_allclose(alone[:, 0], together[:, n], rtol=1e-5, atol=1e-6)
    for row in range(3):
        one = tf.nest.map_structure(lambda leaf, row=row: leaf[row : row + 1], OBSERVATION)
        alone = network((one, ACTIONS[row : row + 1]))[0]
        np.testing.assert_allclose(alone[0], together[row], rtol=1e-5, atol=1e-6)
    assert len(np.unique(together)) == 15


@pytest.mark.parametrize("n", [1, 64])
def test_contract_energy_network_encodes_once_for_any_number_of_actions(n):
    encoder = CountingEncoder()
    network = networks.MlpEnergyNetwork(width=4, depth=2, encoder=encoder)
    network((OBSERVATION, tf.zeros([3, n, 2])))
    assert encoder.calls == [(3, False)]


def test_a_custom_head_is_used():
    heads = None, tf.keras.layers.Dense(1, "softplus")
    plain, positive = (networks.MlpEnergyNetwork(width=16, head=head) for head in heads)
    assert (plain((OBSERVATION, ACTIONS))[0].numpy() < 0).any()
    assert (positive((OBSERVATION, ACTIONS))[0].numpy() > 0).all()


def test_training_argument_is_passed_to_the_encoder():
    encoder = CountingEncoder()
    network = networks.MlpEnergyNetwork(width=4, depth=2, encoder=encoder)
    network((OBSERVATION, ACTIONS), training=True)
    network.encode(OBSERVATION, training=True)
    network.encode(OBSERVATION)
    assert [training for _, training in encoder.calls] == [True, True, False]


def test_equals_the_published_network_on_the_concatenation():
    """With equal weights, the published form repeats the observation for every action."""
    tf.keras.utils.set_random_seed(0)
    network = networks.MlpEnergyNetwork(width=16, depth=4)
    energies = network((OBSERVATION, ACTIONS))[0]
    of_observation, bias, of_action, *weights = [v.numpy() for v in network.trainable_variables]
    assert (of_observation.shape, of_action.shape) == ((8, 16), (2, 16))

    observation = np.concatenate([OBSERVATION[k].numpy().reshape(3, 4) for k in OBSERVATION], -1)
    tiled = np.repeat(observation[:, None], 5, axis=1)
    inputs = np.concatenate([tiled, ACTIONS], axis=-1)
    hidden = inputs @ np.concatenate([of_observation, of_action]) + bias
    for k in (0, 4):
        first, first_bias, second, second_bias = weights[k : k + 4]
        inner = np.maximum(hidden, 0) @ first + first_bias
        hidden = hidden + np.maximum(inner, 0) @ second + second_bias
    expected = (hidden @ weights[8] + weights[9])[..., 0]
    np.testing.assert_allclose(energies, expected, rtol=1e-5, atol=1e-5)


def test_weights_are_unique_and_initialized_differently(network):
    network((OBSERVATION, ACTIONS))
    variables = network.trainable_variables
    assert len({id(variable) for variable in variables}) == len(variables)
    kernels = [v.numpy().ravel() for v in variables if v.shape.rank == 2]
    for k, kernel in enumerate(kernels):
        assert kernel.std() > 0
        for other in kernels[:k]:
            size = min(len(kernel), len(other))
            assert not np.array_equal(kernel[:size], other[:size])


def test_an_image_is_rejected_with_a_message():
    with pytest.raises(ValueError, match="takes vectors, but a part of the obs"):
        networks.MlpEnergyNetwork().encode({"rgb": tf.zeros([2, 1, 8, 8, 3], tf.uint8)})


def test_odd_depth_raises():
    with pytest.raises(ValueError, match="MlpEnergyNetwork.depth must be even"):
        networks.MlpEnergyNetwork(width=8, depth=3)


def test_a_factory_makes_every_dense_layer_of_energy_and_encoder():
    encoder = networks.MlpEncoder(width=8, depth=2, dense=networks.SpectralNormDense)
    network = networks.MlpEnergyNetwork(
        width=16, depth=4, encoder=encoder, dense=networks.SpectralNormDense
    )
    network((OBSERVATION, ACTIONS))
    normalized = [m for m in network.submodules if isinstance(m, networks.SpectralNormDense)]
    dense = [m for m in network.submodules if isinstance(m, tf.keras.layers.Dense)]
    assert len(normalized) == len(dense) == 3 + 7
    kernels = [v for v in network.trainable_variables if v.shape.rank == 2]
    # The two parts of the energy's first layer are normalized together.
    assert len(kernels) == 10 and len(network.non_trainable_variables) == 9


def test_training_argument_is_passed_to_every_dense_layer():
    network = networks.MlpEnergyNetwork(width=16, depth=2, dense=networks.SpectralNormDense)
    network((OBSERVATION, ACTIONS))
    for variable in network.trainable_variables:
        variable.assign(tf.random.normal(variable.shape))
    before = [v.numpy() for v in network.non_trainable_variables]
    network((OBSERVATION, ACTIONS), training=False)
    code = network.encode(OBSERVATION, training=True)
    changes = [(v.numpy() != old).any() for v, old in zip(network.non_trainable_variables, before)]
    assert sum(changes) == 1
    network.energy(code, ACTIONS, training=True)
    changes = [(v.numpy() != old).any() for v, old in zip(network.non_trainable_variables, before)]
    # The direction of a single unit can change only its sign.
    assert sum(changes) >= 3


@pytest.mark.parametrize("options", [dict(layer_norm=True), dict(dropout_rate=0.5)])
def test_action_gradients_are_differentiable_in_the_weights(options):
    """Compares the derivative of the gradient penalty with finite differences."""
    tf.keras.utils.set_random_seed(0)
    network = networks.MlpEnergyNetwork(width=8, depth=2, activation="tanh", **options)
    network((OBSERVATION, ACTIONS))

    def penalty():
        with tf.GradientTape() as tape:
            tape.watch(ACTIONS)
            energies = network((OBSERVATION, ACTIONS))[0]
        return tf.reduce_sum(tf.square(tape.gradient(energies, ACTIONS)))

    kernel = network._action_projection.kernel
    with tf.GradientTape() as tape:
        value = penalty()
    gradient = tape.gradient(value, kernel).numpy()
    start, step = kernel.numpy(), 1e-2
    for index in [(0, 0), (1, 5)]:
        change = np.zeros_like(start)
        change[index] = step
        ends = [(kernel.assign(start + sign * change), penalty())[1] for sign in (1, -1)]
        slope = (ends[0] - ends[1]) / (2 * step)
        np.testing.assert_allclose(gradient[index], slope, rtol=2e-2, atol=2e-2)


def test_each_action_is_scored_by_its_own_basin():
    head = networks.SoftMinimum(units=4, num_basins=3)
    network = networks.MlpEnergyNetwork(width=16, head=head)
    network((OBSERVATION, ACTIONS))
    code = network.encode(OBSERVATION)
    hidden = []
    energies = network.at(code)
    square_distances = head.square_distances
    head.square_distances = lambda inputs: hidden.append(square_distances(inputs)) or hidden[-1]
    distances = energies.basins(ACTIONS).numpy()
    of_all = np.reshape(hidden[0], [*distances.shape, 3])
    for n in range(distances.shape[1]):
        np.testing.assert_allclose(distances[:, n], of_all[:, n, n % 3])
    assert (distances > 0).all()


def test_a_plain_energy_has_no_basins():
    network = networks.MlpEnergyNetwork(width=16)
    network((OBSERVATION, ACTIONS))
    code = network.encode(OBSERVATION)
    assert network.at(code).basins is None
    with pytest.raises(NotImplementedError, match="no basins"):
        network.basins(code, ACTIONS)


def test_the_energy_function_at_an_observation():
    network = networks.MlpEnergyNetwork(width=16)
    code = network.encode(OBSERVATION)
    energy_fn = network.at(code)
    np.testing.assert_array_equal(energy_fn(ACTIONS), network.energy(code, ACTIONS))
    expected = network.energy_and_gradient(code, ACTIONS)[1]
    np.testing.assert_array_equal(energy_fn.gradient(ACTIONS), expected)


@pytest.mark.parametrize("head", [None, networks.SoftMinimum(units=4)], ids=["linear", "basins"])
def test_plain_layers_are_described(head):
    """The description depends on the same variables as the energy at a code."""
    network = networks.MlpEnergyNetwork(16, encoder=networks.MlpEncoder(8, 2), head=head)
    assert network.dense_energy(tf.zeros([3, 16]), 2) is None  # before variables exist
    network((OBSERVATION, ACTIONS))
    code = network.encode(OBSERVATION)
    dense = network.dense_energy(code, 2)
    assert dense.width == 16 and dense.code is code
    with tf.GradientTape() as tape:
        energies = network.energy(code, ACTIONS)
    gradients = tape.gradient(energies, network.trainable_variables)
    expected = {
        variable.ref()
        for variable, gradient in zip(network.trainable_variables, gradients, strict=True)
        if gradient is not None
    }
    assert {variable.ref() for variable in dense.trainable_variables} == expected


@pytest.mark.parametrize(
    "options",
    [
        dict(dropout_rate=0.5),
        dict(layer_norm=True),
        dict(dense=networks.SpectralNormDense),
        dict(head=networks.SpectralNormDense(1)),
        dict(dense=functools.partial(tf.keras.layers.Dense, activation="tanh")),
    ],
    ids=["dropout", "layer norm", "spectral norm", "head with spectral norm", "activation"],
)
def test_stochastic_layers_are_not_described(options):
    """They may draw random numbers or update variables in each call."""
    network = networks.MlpEnergyNetwork(width=16, **options)
    network((OBSERVATION, ACTIONS))
    assert network.dense_energy(network.encode(OBSERVATION), 2) is None
