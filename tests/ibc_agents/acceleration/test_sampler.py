"""Accelerated samplers return the samples of the wrapped samplers."""

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents import acceleration, samplers
from ibc_agents.acceleration import energy_function, machine
from tests.ibc_agents import helpers

OBSERVATION = helpers.make_experience(3, 2).observation
ACTIONS = tf.random.stateless_uniform([3, 50, 2], [1, 2], -1.0, 1.0)
SEED = tf.constant([1, 2])
FAST = acceleration.Acceleration(blocks=True, block_bytes=40 * 4 * 16)
CHAIN = samplers.Langevin(num_iterations=5)


@pytest.mark.parametrize(
    "sampler",
    [CHAIN, samplers.DerivativeFree(), samplers.Sequence([samplers.DerivativeFree(), CHAIN])],
    ids=["chains", "derivative free", "sequence"],
)
@pytest.mark.parametrize("trace", [False, True])
def test_samples_equal_the_wrapped_samplers(monkeypatch, sampler, trace):
    monkeypatch.setattr(machine, "num_cores", lambda: 3)
    monkeypatch.setattr("ibc_agents.acceleration.blocks._MIN_SHARE_BYTES", 4 * 16)
    network = helpers.make_energy_network()
    network((OBSERVATION, ACTIONS))

    def samples(network, sampler):
        energy_fn = network.at(network.encode(OBSERVATION))
        return sampler(energy_fn, ACTIONS, helpers.UNIT_BOUNDS, SEED, trace)

    expected = samples(network, sampler)
    found = samples(FAST.network(network), FAST.sampler(sampler))
    for value, wanted in zip(found, expected, strict=True):
        assert (value is None) == (wanted is None)
        if wanted is not None:
            np.testing.assert_allclose(value, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("inner", [CHAIN, samplers.Sequence([CHAIN])], ids=["chains", "sequence"])
def test_chains_inside_a_sequence_are_shared(monkeypatch, inner):
    shared = []
    original = energy_function.AcceleratedEnergyFunction.run_in_shares

    def run(self, *arguments):
        shared.append(len(arguments))
        return original(self, *arguments)

    monkeypatch.setattr(energy_function.AcceleratedEnergyFunction, "run_in_shares", run)
    network = helpers.make_energy_network()
    network((OBSERVATION, ACTIONS))
    energy_fn = FAST.network(network).at(network.encode(OBSERVATION))
    FAST.sampler(samplers.Sequence([inner, CHAIN]))(energy_fn, ACTIONS, helpers.UNIT_BOUNDS, SEED)
    assert len(shared) == 2


def test_unaccelerated_energies_use_the_wrapped_sampler():
    arguments = helpers.quadratic(0.3), ACTIONS, helpers.UNIT_BOUNDS, SEED
    found, expected = FAST.sampler(CHAIN)(*arguments), CHAIN(*arguments)
    np.testing.assert_array_equal(found.actions, expected.actions)


def test_a_custom_sampler_is_unchanged():
    class Own(samplers.Langevin):
        pass

    for sampler in (Own(), samplers.DerivativeFree(), samplers.EachBasin(CHAIN)):
        assert FAST.sampler(sampler) is sampler
