"""Implicit Behavioral Cloning with autoregressive optimisation (Florence et al., Sec. 2 b)."""

from __future__ import annotations

from typing import Any

import gin
import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from ibc_agents import samplers
from ibc_agents.agents import implicit_bc_agent
from ibc_agents.core import normalizer as normalizer_lib
from ibc_agents.core import protocols, stateless_random
from ibc_agents.networks.energy import prefix_energy

_CELLS = 128  # of the sum that stands for an integral over one dimension


@gin.configurable(denylist=["time_step_spec", "action_spec", "normalizer", "train_step_counter"])
class AutoregressiveBCAgent(implicit_bc_agent.ImplicitBCAgent):
    """Learns an energy E_j(o, a_1 … a_j) a dimension, and minimises them one after another.

    Training: for each dimension j, the loss tells the demonstrated a_j from uniform
    counter-examples, given the demonstrated a_1 … a_{j−1}; the losses of all dimensions are summed.
    So exp(−E_j) is a density of a_j given the dimensions before it, up to their own factor, and one
    dimension is all that counter-examples ever have to cover.

    Inference: `samplers.Autoregressive`. Training and inference cost A times what one dimension
    costs.
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
        policy_sampler: protocols.Sampler | None = None,
        num_policy_samples: int = 1024,
        seed: int = 0,
        train_step_counter: tf.Variable | None = None,
    ):
        """Creates the agent.

        Args:
            time_step_spec: of the unwrapped environment.
            action_spec: of the unwrapped environment; float vectors or a nest of them.
            normalizer: statistics of the demonstrations; see `Normalizer.from_dataset`.
            energy_network: the energies E_j.
            optimizer: a Keras optimiser.
            window: T, frames of observation the energies see.
            num_counter_examples: N in training, of each dimension, at least 1.
            loss: by default `InfoNCE()`.
            policy_sampler: the policy's optimiser, an `Autoregressive`, which is the default.
            num_policy_samples: N of the policy, of each dimension.
            seed: of all randomness in training.
            train_step_counter: int64 variable; by default TF-Agents' global step.

        Raises:
            ValueError: if a number is out of range, the action spec is not continuous, or the
                network or the sampler does not go with prefixes.
        """
        super().__init__(
            time_step_spec,
            action_spec,
            normalizer,
            energy_network,
            optimizer,
            window,
            proposal=None,
            num_counter_examples=num_counter_examples,
            counter_example_sampler=None,
            loss=loss,
            gradient_penalty=None,
            neighborhood=None,
            policy_sampler=policy_sampler or samplers.Autoregressive(),
            num_policy_samples=num_policy_samples,
            seed=seed,
            train_step_counter=train_step_counter,
        )

    def energy_function(self, window: Any) -> protocols.EnergyFn:
        """Returns the joint energy −log p(a|o) of whole actions, per unit of scaled action.

        Each E_j is known only up to a function of the dimensions before it, so each is normalised
        over its dimension: Σ_j [E_j + log ∫ exp(−E_j) da_j], the integral by a sum over cells.

        Args:
            window: raw observations, a nest of ``[B, T, …]``.

        Returns:
            Scaled actions ``[B, N, A]`` → energies ``[B, N]``.
        """
        code = self._energy_network.encode(self._normalizer.normalize_observation(window))

        def energy(actions: tf.Tensor) -> tf.Tensor:
            terms = []
            for j in range(actions.shape[-1]):
                # The first dimension's integral is the same for all actions.
                given = actions[..., :j] if j else actions[:, :1, :0]
                unnormalized = self._energy_network.energy(code, actions[..., : j + 1])
                terms.append(unnormalized + self._log_normalizer(code, given, j))
            return tf.add_n(terms)

        return energy

    def _log_normalizer(self, code, given, j):
        """Returns log ∫ exp(−E_j) da_j ``[B, N]``, given the dimensions before ``[B, N, j]``."""
        low, high = (bound[0] for bound in self._normalizer.bounds.of_dimension(j))
        # A dimension of zero width has one value, of mass 1.
        width = tf.where(high > low, high - low, 1.0)
        centres = low + (high - low) * (tf.range(_CELLS, dtype=tf.float32) + 0.5) / _CELLS

        def energy_in_cell(centre):
            value = tf.fill([*tf.unstack(tf.shape(given)[:2]), 1], centre)
            return self._energy_network.energy(code, tf.concat([given, value], axis=-1))

        # One cell at a time: all together they would take 128 times the memory.
        cells = tf.map_fn(energy_in_cell, centres, parallel_iterations=1)
        return tf.reduce_logsumexp(-cells, axis=0) + tf.math.log(width / _CELLS)

    def _example_losses(self, observation, action, seed, training):
        code = self._energy_network.encode(observation, training)
        proposal_seed = stateless_random.fold_in(seed, 0)
        counter_examples = self._proposal.sample(
            code, self._num_counter_examples, self._normalizer.bounds, proposal_seed
        )
        losses, reports = [], []
        for j in range(action.shape[-1]):
            candidates = _candidates(action, counter_examples, j)
            energies = self._energy_network.energy(code, candidates, training)
            # Of this dimension alone: the ones before it are not drawn but given.
            log_probs = self._proposal.log_prob(
                code, candidates[..., j:], self._normalizer.bounds.of_dimension(j), proposal_seed
            )
            losses.append(
                self._loss_of_energies(
                    energies[:, 0], energies[:, 1:], log_probs[:, 0], log_probs[:, 1:]
                )
            )
            reports.append(self._report(energies))
        mean = tf.nest.map_structure(lambda *values: tf.reduce_mean(values, axis=0), *reports)
        return tf.add_n(losses), mean


def _candidates(action: tf.Tensor, counter_examples: tf.Tensor, j: int) -> tf.Tensor:
    """Returns the demonstration and its counter-examples in dimension j, from 0.

    Args:
        action: demonstrations ``[B, A]``.
        counter_examples: ``[B, N, A]``.
        j: all candidates have the demonstration's dimensions before this one.

    Returns:
        Prefixes ``[B, 1 + N, j + 1]``, the demonstration first.
    """
    values = tf.concat([action[:, None, j : j + 1], counter_examples[..., j : j + 1]], axis=1)
    given = tf.repeat(action[:, None, :j], tf.shape(values)[1], axis=1)
    return tf.concat([given, values], axis=-1)
