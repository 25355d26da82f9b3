"""The base class of agents that learn an energy."""

from __future__ import annotations

import abc
import dataclasses
from typing import Any

import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from ibc_agents import acceleration as acceleration_lib
from ibc_agents.agents import behavioral_cloning_agent
from ibc_agents.agents.construction import building, compatibility
from ibc_agents.core import normalizer as normalizer_lib
from ibc_agents.core import protocols, setting_checks
from ibc_agents.networks.energy import energy_network as energy_network_lib
from ibc_agents.policies import implicit_policy
from ibc_agents.policies import policy_search as policy_search_lib


class EnergyBasedAgent(behavioral_cloning_agent.BehavioralCloningAgent, abc.ABC):
    """Learns an energy that demonstrated actions minimize, and acts by minimizing it.

    Subclasses implement `energy_function` and `_example_losses`.

    Attributes:
        scores_prefixes: Whether the agent trains energies of prefixes (`PrefixEnergyNetwork`).
    """

    scores_prefixes: bool = False

    def __init__(
        self,
        time_step_spec: ts.TimeStep,
        action_spec: Any,
        normalizer: normalizer_lib.Normalizer,
        energy_network: energy_network_lib.EnergyNetwork,
        optimizer: tf.keras.optimizers.Optimizer,
        window: int,
        proposal: protocols.Proposal,
        policy_search: policy_search_lib.PolicySearch,
        acceleration: acceleration_lib.Acceleration,
        seed: int,
        train_step_counter: tf.Variable | None,
    ):
        """Creates the agent.

        Args:
            time_step_spec: Time step spec of the unwrapped environment.
            action_spec: Action spec of the unwrapped environment.
            normalizer: Statistics of the demonstrations.
            energy_network: The energy.
            optimizer: A Keras optimizer.
            window: T, frames of observation.
            proposal: Draws the first samples of the policy's search; trained if it is learned.
            policy_search: Settings of the policy's search.
            acceleration: Wraps the energy network and the policy's sampler.
            seed: Seed of all randomness in training.
            train_step_counter: Int64 variable, or None.

        Raises:
            SettingError: If a setting has a wrong type or is out of range, or network, sampler,
                acceleration and agent do not fit together.
        """
        name = type(self).__name__
        window = setting_checks.check_integer(f"{name}.window", window, minimum=1)
        setting_checks.check_instance(
            f"{name}.acceleration", acceleration, acceleration_lib.Acceleration
        )
        setting_checks.check_instance(
            f"{name}.policy_search", policy_search, policy_search_lib.PolicySearch
        )
        compatibility.check_network(name, self.scores_prefixes, energy_network)
        compatibility.check_sampler(
            name, policy_search.sampler, policy_search.number, energy_network
        )
        building.build_network(
            f"{name}.energy_network",
            energy_network,
            time_step_spec,
            normalizer,
            window,
            tf.zeros([1, 1, normalizer.action_space.size]),
        )
        trained: list[tf.Module] = [energy_network]
        if isinstance(proposal, protocols.LearnedProposal):
            example = building.example_window(time_step_spec, normalizer, window)
            with building.reporting_misfits("CounterExamples.proposal", time_step_spec.observation):
                proposal.build(energy_network.encode(example), normalizer.action_space.size)
            trained.append(proposal)
        self._proposal = proposal
        self._energy_network = energy_network
        self._network = acceleration.network(energy_network)
        # Settings of the acceleration that do not fit the network fail here, and the machine is
        # measured before the training begins.
        building.score_example(self._network, time_step_spec, normalizer, window)
        policy = implicit_policy.ImplicitPolicy(
            time_step_spec,
            action_spec,
            self._network,
            normalizer,
            window,
            proposal,
            dataclasses.replace(policy_search, sampler=acceleration.sampler(policy_search.sampler)),
        )
        super().__init__(
            time_step_spec,
            action_spec,
            policy,
            normalizer,
            optimizer,
            window,
            trained=trained,
            seed=seed,
            train_step_counter=train_step_counter,
        )

    @property
    def energy_network(self) -> energy_network_lib.EnergyNetwork:
        """The network that is trained, without acceleration."""
        return self._energy_network

    @abc.abstractmethod
    def energy_function(self, window: Any) -> protocols.EnergyFunction:
        """Encodes raw observations once, and returns the energy of whole actions there.

        Args:
            window: Raw observations, a nest of ``[B, T, …]``.

        Returns:
            Scaled actions ``[B, N, A]`` → energies ``[B, N]``.
        """


def report_energies(energies: tf.Tensor) -> dict[str, tf.Tensor]:
    """Returns the reported values of energies ``[B, 1 + N]``, the demonstration's first.

    Returns:
        Float32 ``[B]`` each. `top1_accuracy` is 1 where the demonstration's energy is lower than
        that of every counter-example.
    """
    return {
        "demonstration_energy": energies[:, 0],
        "counter_example_energy": tf.reduce_mean(energies[:, 1:], axis=1),
        "top1_accuracy": tf.cast(
            energies[:, 0] < tf.reduce_min(energies[:, 1:], axis=1), tf.float32
        ),
    }
