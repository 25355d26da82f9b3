"""Energies in blocks of rows, and Langevin chains divided among cores."""

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents import networks
from ibc_agents.acceleration import blocks as blocks_lib
from ibc_agents.acceleration import energy_function, energy_network, machine
from tests.ibc_agents import helpers

OBSERVATION = helpers.make_experience(3, 2).observation
ACTIONS = tf.random.stateless_normal([3, 50, 2], [1, 2])


class FixedSizes(blocks_lib.Blocks):
    """Blocks and shares with fixed sizes for any width."""

    def __init__(self, rows=None, rows_of_a_share=None):
        super().__init__()
        self._sizes = rows, rows_of_a_share

    def rows(self, width):
        return self._sizes[0]

    def rows_of_a_share(self, width):
        return self._sizes[1]


class Recording(networks.EnergyNetwork):
    """The energy code + a_0; records how many rows of an axis it scores at a time."""

    def __init__(self, axis=1):
        super().__init__("Recording")
        self.sizes = []
        self._axis = axis

    def encode(self, observation, training=False):
        return observation

    def energy(self, code, actions, training=False):
        self.sizes.append(int(tf.shape(actions)[self._axis]))
        return code + actions[..., 0]

    def dense_energy(self, code, num_dimensions):
        return networks.DenseEnergy(code, tf.zeros([num_dimensions, 1]), (), tf.nn.relu, None)


# Block sizes below one action per observation, up to all actions.
@pytest.mark.parametrize(
    ("rows", "static"), [(1, True), (7, False), (21, True), (147, False), (150, False)]
)
def test_blocks_have_the_energies_and_gradients_of_one_batch(rows, static):
    network = helpers.make_energy_network()
    network((OBSERVATION, ACTIONS))
    accelerated = energy_network.AcceleratedEnergyNetwork(network, FixedSizes(rows))

    def values(network, actions):
        energy_fn = network.at(network.encode(OBSERVATION))
        return energy_fn(actions), energy_fn.gradient(actions)

    spec = tf.TensorSpec(ACTIONS.shape if static else [None, None, 2])
    in_blocks = tf.function(lambda actions: values(accelerated, actions), [spec])(ACTIONS)
    for value, expected in zip(in_blocks, values(network, ACTIONS), strict=True):
        assert value.shape == expected.shape
        np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-6)


# Rows are split along the larger of the two axes: observations or samples.
AXES = pytest.mark.parametrize(
    ("axis", "actions"), [(0, tf.transpose(ACTIONS, [1, 0, 2])), (1, ACTIONS)], ids=["B", "N"]
)


def code_of(actions):
    return tf.range(actions.shape[0], dtype=tf.float32)[:, None]


@AXES
@pytest.mark.parametrize(
    ("rows", "expected"),
    [(None, [50]), (150, [50]), (149, [25, 25]), (70, [17, 17, 16]), (1, 50 * [1])],
)
def test_blocks_have_about_the_same_size(rows, expected, axis, actions):
    network, code = Recording(axis), code_of(actions)
    energy_fn = energy_function.AcceleratedEnergyFunction(network, code, FixedSizes(rows))
    np.testing.assert_array_equal(energy_fn(actions), code + actions[..., 0])
    assert network.sizes == expected


@AXES
@pytest.mark.parametrize(
    ("rows", "cores", "expected"),
    [
        (None, 2, [50]),
        (75, 1, [50]),
        (75, 2, [25, 25]),
        (50, 3, [17, 17, 16]),
        (75, 8, [25, 25]),  # smaller shares are slower
        (76, 8, [50]),
        (1, 100, 50 * [1]),
    ],
)
def test_each_core_runs_its_share(monkeypatch, rows, cores, expected, axis, actions):
    monkeypatch.setattr(machine, "num_cores", lambda: cores)
    network = Recording(axis)
    check_shares(network, FixedSizes(rows_of_a_share=rows), actions)
    assert network.sizes == expected


@AXES
def test_a_share_is_split_into_blocks(monkeypatch, axis, actions):
    monkeypatch.setattr(machine, "num_cores", lambda: 2)
    network = Recording(axis)
    check_shares(network, FixedSizes(rows=40, rows_of_a_share=75), actions)
    assert sorted(network.sizes, reverse=True) == [13, 13, 12, 12]


def check_shares(network, sizes, actions):
    code = code_of(actions)

    def chains(energy_fn, part, noise):
        return energy_fn(part)[..., None] + noise

    energy_fn = energy_function.AcceleratedEnergyFunction(network, code, sizes)
    moved = energy_fn.run_in_shares(chains, actions, 2 * actions)
    np.testing.assert_array_equal(moved, (code + actions[..., 0])[..., None] + 2 * actions)


@pytest.mark.parametrize(
    ("shape", "expected"), [([3, None, 2], [50]), ([None, 50, 2], [25, 25]), ([None] * 3, [50])]
)
def test_shares_of_known_sizes(monkeypatch, shape, expected):
    """An exported policy has no static batch size; no axis needs a static size."""
    monkeypatch.setattr(machine, "num_cores", lambda: 2)
    energy_fn = energy_function.AcceleratedEnergyFunction(
        Recording(), tf.zeros([3, 1]), FixedSizes(rows_of_a_share=25)
    )
    sizes = []

    @tf.function(input_signature=[tf.TensorSpec([*shape[:2], 2])])
    def moved(actions):
        def chains(own, part):
            sizes.append(part.shape[1] or 50)
            return -part

        return energy_fn.run_in_shares(chains, actions)

    np.testing.assert_array_equal(moved(ACTIONS), -ACTIONS)
    assert sizes == expected


def test_an_empty_batch_is_scored():
    network = helpers.make_energy_network()
    network((OBSERVATION, ACTIONS))
    accelerated = energy_network.AcceleratedEnergyNetwork(network, FixedSizes(7))

    @tf.function(
        input_signature=[tf.TensorSpec([None, *ACTIONS.shape[1:]]), tf.TensorSpec([None, 16])]
    )
    def score(actions, code):
        return accelerated.at(code)(actions)

    assert score(ACTIONS[:0], network.encode(OBSERVATION)[:0]).shape == (0, ACTIONS.shape[1])
