"""Rows in blocks: the same numbers, chosen by a measurement or by hand."""

import gin
import numpy as np
import pytest
import tensorflow as tf

from ibc_agents import networks, samplers
from ibc_agents.acceleration import cache_blocks, energy_at, machine
from tests.ibc_agents import helpers

OBSERVATION = helpers.make_experience(3, 2).observation
ACTIONS = tf.random.stateless_normal([3, 50, 2], [1, 2])


def make_network(blocks, **options):
    tf.keras.utils.set_random_seed(0)
    network = networks.MlpEnergyNetwork(width=16, depth=4, blocks=blocks, **options)
    network((OBSERVATION, ACTIONS))
    return network


@pytest.mark.parametrize(("speedup", "expected"), [(0.5, None), (1.05, None), (1.5, 4)])
def test_rows_are_split_where_that_is_measured_to_be_faster(monkeypatch, speedup, expected):
    monkeypatch.setattr(machine, "speedup", lambda name, plain, fast: speedup)
    assert networks.CacheBlocks(num_bytes=4 * 128 * 4).rows(128) == expected


@pytest.mark.parametrize(("enabled", "expected"), [(True, 4), (False, None)])
def test_either_can_be_forced_without_a_measurement(monkeypatch, enabled, expected):
    monkeypatch.setattr(machine, "speedup", lambda *_: pytest.fail("measured"))
    assert networks.CacheBlocks(enabled, num_bytes=4 * 128 * 4).rows(128) == expected
    gin.parse_config(f"CacheBlocks.enabled = {enabled}\nCacheBlocks.num_bytes = {4 * 16 * 4}")
    assert networks.MlpEnergyNetwork(width=16).rows_at_once == expected


def test_a_gpu_takes_all_rows_at_once(monkeypatch):
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: [kind])
    assert networks.CacheBlocks(enabled=True).rows(128) is None


def test_this_machine_is_measured(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    machine.speedup.cache_clear()
    rows = networks.CacheBlocks().rows(64)
    assert rows in (None, 1152)
    assert len(list((tmp_path / "ibc_agents").iterdir())) == 1
    machine.speedup.cache_clear()


def test_no_bytes_raise():
    with pytest.raises(ValueError, match="num_bytes must be positive, got 0"):
        networks.CacheBlocks(num_bytes=0)


# Less than an action of each observation, some, all but a few, all.
@pytest.mark.parametrize(
    ("rows", "static"), [(1, True), (7, False), (21, True), (147, False), (150, False)]
)
def test_energies_and_slopes_are_those_of_all_rows_at_once(rows, static):
    blocks = networks.CacheBlocks(True, num_bytes=rows * 4 * 16)
    split, whole = make_network(blocks), make_network(networks.CacheBlocks(False))
    assert split.rows_at_once == rows and whole.rows_at_once is None

    def numbers(network, actions):
        energy_fn = network.at(network.encode(OBSERVATION))
        return energy_fn(actions), energy_fn.gradient(actions)

    spec = tf.TensorSpec(ACTIONS.shape if static else [None, None, 2])
    in_blocks = tf.function(lambda actions: numbers(split, actions), [spec])(ACTIONS)
    for value, expected in zip(in_blocks, numbers(whole, ACTIONS), strict=True):
        assert value.shape == expected.shape
        np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-6)


class Recording:
    """Stands in for a network; remembers how many rows of an axis it scores at a time."""

    num_basins = None

    def __init__(self, axis=1, rows_at_once=None, rows_of_a_core=None):
        self.rows_at_once = rows_at_once
        self.rows_of_a_core = rows_of_a_core
        self.sizes = []
        self._axis = axis

    def energy(self, code, actions):
        self.sizes.append(int(tf.shape(actions)[self._axis]))
        return code + actions[..., 0]


# Parts are of the observations where there are more of them, else of the samples.
AXES = pytest.mark.parametrize(
    ("axis", "actions"), [(0, tf.transpose(ACTIONS, [1, 0, 2])), (1, ACTIONS)], ids=["B", "N"]
)


@AXES
@pytest.mark.parametrize(
    ("rows", "expected"),
    [(None, [50]), (150, [50]), (149, [25, 25]), (70, [17, 17, 16]), (1, 50 * [1])],
)
def test_blocks_are_about_alike(rows, expected, axis, actions):
    network = Recording(axis, rows_at_once=rows)
    code = tf.range(actions.shape[0], dtype=tf.float32)[:, None]
    energies = energy_at.SplitEnergyAt(network, code)(actions)
    assert network.sizes == expected
    np.testing.assert_array_equal(energies, code + actions[..., 0])


@AXES
@pytest.mark.parametrize(
    ("rows", "cores", "expected"),
    [
        (None, 2, [50]),
        (75, 1, [50]),
        (75, 2, [25, 25]),
        (50, 3, [17, 17, 16]),
        (75, 8, [25, 25]),  # more are not worth their while
        (76, 8, [50]),
        (1, 100, 50 * [1]),
    ],
)
def test_each_core_moves_its_share(monkeypatch, rows, cores, expected, axis, actions):
    monkeypatch.setattr(machine, "num_cores", lambda: cores)
    network = Recording(axis, rows_of_a_core=rows)
    check_moves(network, actions)
    assert network.sizes == expected


@AXES
def test_a_share_goes_in_blocks(monkeypatch, axis, actions):
    monkeypatch.setattr(machine, "num_cores", lambda: 2)
    network = Recording(axis, rows_at_once=40, rows_of_a_core=75)
    check_moves(network, actions)
    assert sorted(network.sizes, reverse=True) == [13, 13, 12, 12]


def check_moves(network, actions):
    code = tf.range(actions.shape[0], dtype=tf.float32)[:, None]

    def function(energy_fn, part, noise):
        return energy_fn(part)[..., None] + noise

    moved = energy_at.SplitEnergyAt(network, code).move(function, actions, 2 * actions)
    np.testing.assert_array_equal(moved, (code + actions[..., 0])[..., None] + 2 * actions)


@pytest.mark.parametrize(
    ("shape", "expected"), [([3, None, 2], [50]), ([None, 50, 2], [25, 25]), ([None] * 3, [50])]
)
def test_shares_of_what_is_known(monkeypatch, shape, expected):
    """An exported policy does not know how many observations it will be asked about."""
    monkeypatch.setattr(machine, "num_cores", lambda: 2)
    energy_fn = energy_at.SplitEnergyAt(Recording(rows_of_a_core=25), tf.zeros([3, 1]))
    sizes = []

    @tf.function(input_signature=[tf.TensorSpec(shape)])
    def moved(actions):
        def function(own, part):
            sizes.append(part.shape[1] or 50)
            return -part

        return energy_fn.move(function, actions)

    np.testing.assert_array_equal(moved(ACTIONS), -ACTIONS)
    assert sizes == expected


def test_cores_share_what_is_worth_it_unless_one_takes_all(monkeypatch):
    monkeypatch.setattr(machine, "speedup", lambda *_: 0.5)
    assert networks.CacheBlocks().rows_of_a_core(64) == 128
    assert networks.CacheBlocks(True).rows_of_a_core(2**20) == 1
    assert networks.CacheBlocks(False).rows_of_a_core(64) is None
    assert networks.MlpEnergyNetwork(width=64).rows_of_a_core == 128
    assert networks.MlpEnergyNetwork(width=64, dropout_rate=0.5).rows_of_a_core is None
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: [kind])
    assert networks.CacheBlocks(True).rows_of_a_core(64) is None


@pytest.mark.parametrize("rows", [1, 7, 40, 150])
def test_chains_end_where_they_do_without_blocks(monkeypatch, rows):
    blocks = networks.CacheBlocks(True, num_bytes=rows * 4 * 16)
    split, whole = make_network(blocks), make_network(networks.CacheBlocks(False))
    monkeypatch.setattr(cache_blocks, "_WORTHWHILE_BYTES", rows * 4 * 16)
    sampler = samplers.Langevin(num_iterations=5)

    @tf.function
    def chains(network):
        code = network.encode(OBSERVATION)
        return sampler(network.at(code), ACTIONS, helpers.UNIT_BOUNDS, tf.constant([1, 2]))

    for value, expected in zip(chains(split)[:2], chains(whole)[:2], strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "options",
    [
        dict(dropout_rate=0.5),
        dict(dense=networks.SpectralNormDense),
        dict(head=networks.SpectralNormDense(1)),
    ],
    ids=["dropout", "spectral norm", "a head with spectral norm"],
)
def test_what_a_call_draws_or_remembers_forbids_blocks(options):
    network = make_network(networks.CacheBlocks(True), **options)
    assert network.rows_at_once is None
    assert network.rows_of_a_core is None


def test_no_observations_have_no_energies():
    network = make_network(networks.CacheBlocks(True, num_bytes=7 * 4 * 16))

    @tf.function(
        input_signature=[tf.TensorSpec([None, *ACTIONS.shape[1:]]), tf.TensorSpec([None, 16])]
    )
    def score(actions, code):
        return network.at(code)(actions)

    assert score(ACTIONS[:0], network.encode(OBSERVATION)[:0]).shape == (0, ACTIONS.shape[1])


def test_scoring_variables_are_those_that_the_energy_at_a_code_depends_on():
    network = make_network(None, encoder=networks.MlpEncoder(8, 2))
    code = network.encode(OBSERVATION)
    with tf.GradientTape() as tape:
        energies = network.energy(code, ACTIONS)
    gradients = tape.gradient(energies, network.trainable_variables)
    expected = [
        variable.ref()
        for variable, gradient in zip(network.trainable_variables, gradients, strict=True)
        if gradient is not None
    ]
    assert {variable.ref() for variable in network.scoring_variables} == set(expected)
