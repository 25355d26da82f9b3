"""Implicit Behavioral Cloning with one energy for each action dimension."""

from __future__ import annotations

from typing import Any

import gin
import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from ibc_agents import acceleration as acceleration_lib
from ibc_agents import losses as losses_lib
from ibc_agents import proposals, samplers
from ibc_agents.agents import energy_based_agent
from ibc_agents.agents.construction import compatibility
from ibc_agents.core import normalizer as normalizer_lib
from ibc_agents.core import protocols, setting_checks, stateless_random
from ibc_agents.networks.energy import prefix_energy
from ibc_agents.policies import policy_search as policy_search_lib

_CELLS = 128  # cells of the sum that approximates an integral over one dimension


@gin.configurable(denylist=["time_step_spec", "action_spec", "normalizer", "train_step_counter"])
class AutoregressiveBCAgent(energy_based_agent.EnergyBasedAgent):
    """Learns an energy E_j(o, a_1 … a_j) for each dimension, and minimizes them in turn.

    Training: for each dimension j, the loss classifies the demonstrated a_j among uniform
    counter-examples, given the demonstrated a_1 … a_{j−1}; the losses of all dimensions are summed.
    exp(−E_j) is then an unnormalized density of a_j given the preceding dimensions, and
    counter-examples cover one dimension only.

    Inference: `samplers.Autoregressive`. Training and inference cost A times as much as one
    dimension.

    References:
        Florence et al., "Implicit Behavioral Cloning", 2021, Sec. 2 and Appendix B.
        https://arxiv.org/abs/2109.00137
    """

    scores_prefixes = True

    def __init__(
        self,
        time_step_spec: ts.TimeStep,
        action_spec: Any,
        normalizer: normalizer_lib.Normalizer,
        energy_network: prefix_energy.PrefixEnergyNetwork,
        optimizer: tf.keras.optimizers.Optimizer,
        window: int = 2,
        num_counter_examples: int = 256,
        loss: protocols.Loss | None = None,
        policy_search: policy_search_lib.PolicySearch | None = None,
        acceleration: acceleration_lib.Acceleration | None = None,
        seed: int = 0,
        train_step_counter: tf.Variable | None = None,
    ):
        """Creates the agent.

        Args:
            time_step_spec: Time step spec of the unwrapped environment.
            action_spec: Action spec of the unwrapped environment; float vectors or a nest of them.
            normalizer: Statistics of the demonstrations.
            energy_network: The energies E_j.
            optimizer: A Keras optimizer.
            window: T, frames of observation.
            num_counter_examples: N in training, of each dimension, at least 1.
            loss: By default `InfoNCE()`.
            policy_search: How the policy searches each dimension, by default
                `PolicySearch(Autoregressive())`.
            acceleration: Makes the agent faster on a CPU, by default `Acceleration()`.
            seed: Seed of all randomness in training.
            train_step_counter: Int64 variable; by default TF-Agents' global step.

        Raises:
            SettingError: If a setting has a wrong type or is out of range, or parts do not fit
                together.
            ValueError: If the action spec is not continuous.
        """
        self._num_counter_examples = setting_checks.check_integer(
            "AutoregressiveBCAgent.num_counter_examples", num_counter_examples, minimum=1
        )
        self._loss_of_energies = losses_lib.InfoNCE() if loss is None else loss
        compatibility.check_loss("AutoregressiveBCAgent", self._loss_of_energies, has_density=True)
        super().__init__(
            time_step_spec,
            action_spec,
            normalizer,
            energy_network,
            optimizer,
            window,
            proposals.Uniform(),
            (
                policy_search_lib.PolicySearch(samplers.Autoregressive())
                if policy_search is None
                else policy_search
            ),
            acceleration_lib.Acceleration() if acceleration is None else acceleration,
            seed,
            train_step_counter,
        )

    def energy_function(self, window: Any) -> protocols.EnergyFunction:
        """Returns the joint energy −log p(a|o) of whole actions, per unit of scaled action.

        Each E_j is known only up to a function of the preceding dimensions, so each is normalized
        over its dimension: Σ_j [E_j + log ∫ exp(−E_j) da_j], the integral by a sum over cells.

        Args:
            window: Raw observations, a nest of ``[B, T, …]``.

        Returns:
            Scaled actions ``[B, N, A]`` → energies ``[B, N]``.
        """
        code = self._network.encode(self._normalizer.normalize_observation(window))

        def energy(actions: tf.Tensor) -> tf.Tensor:
            terms = []
            for j in range(actions.shape[-1]):
                # The integral of the first dimension is equal for all actions.
                given = actions[..., :j] if j else actions[:, :1, :0]
                unnormalized = self._network.energy(code, actions[..., : j + 1])
                terms.append(unnormalized + self._log_normalizer(code, given, j))
            return tf.add_n(terms)

        return protocols.EnergyFunction(energy)

    def _log_normalizer(self, code, given, j):
        """Returns log ∫ exp(−E_j) da_j, ``[B, N]``, for preceding dimensions ``[B, N, j]``."""
        low, high = (bound[0] for bound in self._normalizer.bounds.of_dimension(j))
        # A dimension of zero width has a single value, of mass 1.
        width = tf.where(high > low, high - low, 1.0)
        centers = low + (high - low) * (tf.range(_CELLS, dtype=tf.float32) + 0.5) / _CELLS

        def energy_in_cell(center):
            value = tf.fill([*tf.unstack(tf.shape(given)[:2]), 1], center)
            return self._network.energy(code, tf.concat([given, value], axis=-1))

        # One cell at a time; all of them together would take 128 times the memory.
        cells = tf.map_fn(energy_in_cell, centers, parallel_iterations=1)
        return tf.reduce_logsumexp(-cells, axis=0) + tf.math.log(width / _CELLS)

    def _example_losses(self, observation, action, seed, training):
        code = self._network.encode(observation, training)
        proposal_seed = stateless_random.fold_in(seed, 0)
        counter_examples = self._proposal.sample(
            code, self._num_counter_examples, self._normalizer.bounds, proposal_seed
        )
        losses, reports = [], []
        for j in range(action.shape[-1]):
            candidates = _candidates(action, counter_examples, j)
            energies = self._network.energy(code, candidates, training)
            # The density of this dimension alone, since the preceding ones are given.
            log_probs = self._proposal.log_prob(
                code, candidates[..., j:], self._normalizer.bounds.of_dimension(j), proposal_seed
            )
            losses.append(
                self._loss_of_energies(
                    energies[:, 0], energies[:, 1:], log_probs[:, 0], log_probs[:, 1:]
                )
            )
            reports.append(energy_based_agent.report_energies(energies))
        mean = tf.nest.map_structure(lambda *values: tf.reduce_mean(values, axis=0), *reports)
        return tf.add_n(losses), mean


def _candidates(action: tf.Tensor, counter_examples: tf.Tensor, j: int) -> tf.Tensor:
    """Returns the demonstration and its counter-examples in dimension j, from 0.

    Args:
        action: The demonstrations, ``[B, A]``.
        counter_examples: ``[B, N, A]``.
        j: All candidates have the demonstration's values in the dimensions before j.

    Returns:
        Prefixes ``[B, 1 + N, j + 1]``, the demonstration first.
    """
    values = tf.concat([action[:, None, j : j + 1], counter_examples[..., j : j + 1]], axis=1)
    given = tf.repeat(action[:, None, :j], tf.shape(values)[1], axis=1)
    return tf.concat([given, values], axis=-1)
