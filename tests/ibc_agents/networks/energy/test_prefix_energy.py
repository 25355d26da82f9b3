"""Energies of prefixes, one per dimension."""

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents import networks

SIZE = 3
OBSERVATION = {"position": tf.random.stateless_normal([4, 2, 5], [1, 2])}
ACTIONS = tf.random.stateless_uniform([4, 7, SIZE], [3, 4], -1, 1)


def make(shared):
    tf.keras.utils.set_random_seed(0)
    if shared:
        network = networks.PrefixEnergyNetwork(
            lambda: networks.MlpEnergyNetwork(8, 2), networks.MlpEncoder(16, 2)
        )
    else:
        network = networks.PrefixEnergyNetwork(
            lambda: networks.MlpEnergyNetwork(8, 2, encoder=networks.MlpEncoder(16, 2))
        )
    return network, network((OBSERVATION, ACTIONS))[0]


both = pytest.mark.parametrize("shared", [True, False])


@both
def test_call_is_the_sum_of_the_prefix_energies(shared):
    network, total = make(shared)
    code = network.encode(OBSERVATION)
    parts = [network.energy(code, ACTIONS[..., : j + 1]) for j in range(SIZE)]
    assert all(part.shape == (4, 7) for part in parts)
    np.testing.assert_allclose(total, tf.add_n(parts), rtol=1e-5, atol=1e-6)


@both
def test_contract_prefix_energy_depends_on_every_dimension_of_the_prefix(shared):
    network, _ = make(shared)
    code = network.encode(OBSERVATION)
    for j in range(SIZE):
        with tf.GradientTape() as tape:
            prefix = ACTIONS[..., : j + 1]
            tape.watch(prefix)
            energy = network.energy(code, prefix)
        gradient = tape.gradient(energy, prefix)
        assert np.all(np.any(gradient.numpy() != 0, axis=(0, 1)))  # on every dimension of it


@both
def test_every_dimension_has_its_own_weights(shared):
    network, _ = make(shared)
    with tf.GradientTape(persistent=True) as tape:
        code = network.encode(OBSERVATION)
        energies = [network.energy(code, ACTIONS[..., : j + 1]) for j in range(SIZE)]
    moved = []
    for energy in energies:
        gradients = tape.gradient(energy, network.trainable_variables)
        moved.append({n for n, gradient in enumerate(gradients) if gradient is not None
                      and np.any(tf.convert_to_tensor(gradient) != 0)})  # fmt: skip
    common = set.intersection(*moved)
    assert bool(common) == shared  # the encoder
    for one in range(SIZE):
        for other in range(one):
            assert moved[one] & moved[other] == common and moved[one] - common


def test_prefix_of_invalid_length_raises():
    network, _ = make(True)
    code = network.encode(OBSERVATION)
    with pytest.raises(ValueError, match="A prefix has 1 to 3 dimensions"):
        network.energy(code, ACTIONS[..., :0])
    with pytest.raises(ValueError, match="got 4"):
        network.energy(code, tf.concat([ACTIONS, ACTIONS[..., :1]], axis=-1))
