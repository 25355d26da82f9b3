"""Rows in blocks: the same numbers, chosen by a measurement or by hand."""

import gin
import numpy as np
import pytest
import tensorflow as tf

from ibc_agents import machine, networks
from ibc_agents.networks import energy_network
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
    assert rows in (None, 4096)
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


@pytest.mark.parametrize(
    ("rows", "cores", "expected"),
    [
        (None, 2, None),
        (150, 1, None),
        (149, 1, 25),  # in equal parts
        (300, 2, 25),  # one a core
        (300, 8, 25),  # no less than a quarter of what a core may have
        (601, 8, None),
        (1, 2, 1),
    ],
)
def test_blocks_are_alike_and_one_a_core_where_that_is_worth_it(monkeypatch, rows, cores, expected):
    monkeypatch.setattr(machine, "num_cores", lambda: cores)
    assert energy_network._block_size(ACTIONS, rows) == expected


@pytest.mark.parametrize(
    "options", [dict(dropout_rate=0.5), dict(dense=networks.SpectralNormDense)], ids=str
)
def test_what_a_call_draws_or_remembers_forbids_blocks(options):
    network = make_network(networks.CacheBlocks(True), **options)
    assert network.rows_at_once is None


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
