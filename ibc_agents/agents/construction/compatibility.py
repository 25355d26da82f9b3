"""Checks that an energy network, a sampler and an agent fit together."""

from __future__ import annotations

import tensorflow as tf

from ibc_agents.core import errors, protocols, setting_checks
from ibc_agents.networks.energy import energy_network as energy_network_lib


def check_network(
    agent: str, scores_prefixes: bool, energy_network: energy_network_lib.EnergyNetwork
) -> None:
    """Rejects an energy network that the agent cannot train.

    Args:
        agent: Name of the agent's class.
        scores_prefixes: Whether the agent trains energies of prefixes.
        energy_network: The network.

    Raises:
        SettingError: If the network lacks its base class, or they do not fit.
    """
    setting_checks.check_instance(
        f"{agent}.energy_network", energy_network, energy_network_lib.EnergyNetwork
    )
    if energy_network.scores_prefixes != scores_prefixes:
        raise errors.SettingError(
            f"{agent}.energy_network cannot be {type(energy_network).__name__}. "
            "PrefixEnergyNetwork fits AutoregressiveBCAgent, and every other energy network fits "
            "ImplicitBCAgent."
        )


def check_sampler(
    agent: str,
    sampler: protocols.Sampler,
    number: int,
    energy_network: energy_network_lib.EnergyNetwork,
) -> None:
    """Rejects a sampler that would search the energies incorrectly.

    Args:
        agent: Name of the agent's class.
        sampler: The sampler.
        number: Samples per observation.
        energy_network: The network whose energies it searches.

    Raises:
        SettingError: If they do not fit.
    """
    if sampler.searches_prefixes != energy_network.scores_prefixes:
        raise errors.SettingError(
            f"{agent} cannot use {type(sampler).__name__}. The sampler Autoregressive fits "
            "AutoregressiveBCAgent; the others fit ImplicitBCAgent, or search one dimension as "
            "Autoregressive.sampler."
        )
    if not sampler.searches_basins:
        return
    num_basins = energy_network.num_basins
    if num_basins is None:
        raise errors.SettingError(
            "The sampler EachBasin needs an energy of several basins, as with "
            "MlpEnergyNetwork.head = @SoftMinimum()."
        )
    if number < num_basins:
        raise errors.SettingError(
            f"The sampler EachBasin needs a sample for each of {num_basins} basins, got {number}."
        )


def check_loss(agent: str, loss: protocols.Loss, has_density: bool) -> None:
    """Rejects a loss that cannot compare the agent's examples.

    Args:
        agent: Name of the agent's class.
        loss: The loss. It is called once, with energies of zero.
        has_density: Whether the density of the counter-examples is known.

    Raises:
        SettingError: If it is no loss, or does not fit the counter-examples.
    """
    setting_checks.check_call(f"{agent}.loss", loss, protocols.Loss.__call__)
    energies = tf.zeros([1]), tf.zeros([1, 1])
    loss(*energies, *(energies if has_density else (None, None)))
