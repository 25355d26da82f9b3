"""Implicit Behavioral Cloning (Florence et al., CoRL 2021)."""

from __future__ import annotations

import functools
from typing import Any

import gin
import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from ibc_agents import losses as losses_lib
from ibc_agents import proposals, samplers
from ibc_agents.acceleration import example_blocks
from ibc_agents.agents import behavioral_cloning_agent, building
from ibc_agents.core import normalizer as normalizer_lib
from ibc_agents.core import protocols, stateless_random
from ibc_agents.networks.energy import energy_network as energy_network_lib
from ibc_agents.policies import implicit_policy

# So many gain less in a run than it takes to trace them.
_FEW_BLOCKS = 4


@gin.configurable(denylist=["time_step_spec", "action_spec", "normalizer", "train_step_counter"])
class ImplicitBCAgent(behavioral_cloning_agent.BehavioralCloningAgent):
    """Learns an energy E(o, a) that demonstrated actions minimise, and acts by minimising it.

    Training (paper Sec. 2): counter-examples are drawn from a proposal, and moved by a sampler if
    there is one (Langevin training); no gradient flows into them. The loss tells the demonstration
    from them by energy. A gradient penalty may be added, and the loss of telling the demonstration
    from its neighbourhood.

    Inference: the policy draws samples from the same proposal, and its own sampler moves them to
    low energy; the sample of lowest energy is the action.

    Attributes:
        scores_prefixes: which kind of energy network the agent takes.
    """

    scores_prefixes = False

    def __init__(
        self,
        time_step_spec: ts.TimeStep,
        action_spec: Any,
        normalizer: normalizer_lib.Normalizer,
        energy_network: energy_network_lib.EnergyNetwork,
        optimizer: tf.keras.optimizers.Optimizer,
        window: int = 2,
        proposal: protocols.Proposal | None = None,
        smoothing: float = 0.0,
        num_counter_examples: int = 256,
        counter_example_sampler: protocols.Sampler | None = None,
        loss: protocols.Loss | None = None,
        gradient_penalty: losses_lib.GradientPenalty | None = None,
        neighborhood: losses_lib.Neighborhood | None = None,
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
            energy_network: the energy E(o, a).
            optimizer: a Keras optimiser.
            window: T, frames of observation the energy sees.
            proposal: of counter-examples and of the policy's first samples; by default `Uniform()`.
            smoothing: standard deviation of normal noise that is added to demonstrated actions in
                the loss, in scaled action units, not negative. The energy is then that of the
                demonstrations' density blurred by so much, and its minima are no steeper: where
                demonstrations are exact, nothing else keeps an energy from growing until no sampler
                finds its minima, and from then on from being told which of two is the lower.
            num_counter_examples: N in training, at least 1.
            counter_example_sampler: moves the counter-examples to low energy before they are used;
                None leaves them as drawn.
            loss: by default `InfoNCE()`.
            gradient_penalty: on ∂E/∂a at the counter-examples and the demonstration, or None.
            neighborhood: teaches the energy's shape around the demonstration, or None.
            policy_sampler: the policy's optimiser, by default `DerivativeFree()`.
            num_policy_samples: N of the policy.
            seed: of all randomness in training.
            train_step_counter: int64 variable; by default TF-Agents' global step.

        Raises:
            ValueError: if a number is out of range, the action spec is not continuous, the
                network or a sampler goes with prefixes, or a sampler needs basins that the energy
                does not have, or a sample for each.
        """
        if energy_network.scores_prefixes != self.scores_prefixes:
            raise ValueError(
                f"{type(self).__name__} cannot use {type(energy_network).__name__}: a "
                "PrefixEnergyNetwork goes with AutoregressiveBCAgent, every other energy network "
                "with ImplicitBCAgent."
            )
        self._energy_network = energy_network
        policy_sampler = policy_sampler or samplers.DerivativeFree()
        self._check_sampler(policy_sampler, num_policy_samples)
        if counter_example_sampler is not None:
            self._check_sampler(counter_example_sampler, num_counter_examples)
        if num_counter_examples < 1:
            raise ValueError(
                f"num_counter_examples must be at least 1, got {num_counter_examples}."
            )
        if smoothing < 0:
            raise ValueError(f"smoothing must not be negative, got {smoothing}.")
        self._smoothing = smoothing
        self._proposal = proposal or proposals.Uniform()
        self._num_counter_examples = num_counter_examples
        self._counter_example_sampler = counter_example_sampler
        self._loss_of_energies = loss or losses_lib.InfoNCE()
        self._gradient_penalty = gradient_penalty
        self._neighborhood = neighborhood
        building.build_energy_network(energy_network, time_step_spec, normalizer, window)
        trained: list[tf.Module] = [energy_network]
        if isinstance(self._proposal, protocols.LearnedProposal):
            example = building.example_window(time_step_spec, normalizer, window)
            self._proposal.build(energy_network.encode(example), normalizer.action_space.size)
            trained.append(self._proposal)
        policy = implicit_policy.ImplicitPolicy(
            time_step_spec,
            action_spec,
            energy_network,
            normalizer,
            window,
            self._proposal,
            policy_sampler,
            num_policy_samples,
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
        """The network that is learned."""
        return self._energy_network

    def energy_function(self, window: Any) -> protocols.EnergyFn:
        """Encodes raw observations once, and returns the energy of actions there.

        Args:
            window: raw observations, a nest of ``[B, T, …]``.

        Returns:
            Scaled actions ``[B, N, A]`` → energies ``[B, N]``.
        """
        code = self._energy_network.encode(self._normalizer.normalize_observation(window))
        return self._energy_network.at(code)

    def _example_losses(self, observation, action, seed, training):
        code = self._energy_network.encode(observation, training)
        if self._smoothing:
            action = self._smoothed(action, stateless_random.fold_in(seed, 3))
        proposal_seed = stateless_random.fold_in(seed, 0)
        counter_examples = self._draw_counter_examples(
            code, proposal_seed, stateless_random.fold_in(seed, 1)
        )
        candidates = tf.concat([action[:, None], counter_examples], axis=1)
        rows = {"candidates": candidates}
        if self._counter_example_sampler is None:
            rows["log_probs"] = tf.stop_gradient(
                self._proposal.log_prob(code, candidates, self._normalizer.bounds, proposal_seed)
            )
        if self._neighborhood is not None:
            neighbors = self._neighborhood.neighbors(action, stateless_random.fold_in(seed, 2))
            rows["neighbors"] = self._where_it_varies(neighbors, action[:, None])
        losses, report = self._score_in_blocks(code, rows, training)
        if isinstance(self._proposal, protocols.LearnedProposal):
            report["proposal_loss"] = self._proposal.loss(code, action, training)
            losses += report["proposal_loss"]
        return losses, report

    def _score_in_blocks(self, code, rows, training):
        """As `_score`, some examples at a time if the network says so and there is training."""
        score = functools.partial(self._score, training=training)
        if not training or self._energy_network.rows_at_once is None:
            return score(code, rows)
        num_actions = max(leaf.shape[1] for leaf in rows.values())
        size = max(1, self._energy_network.rows_at_once // num_actions)
        if code.shape[0] is not None and code.shape[0] <= _FEW_BLOCKS * size:
            return score(code, rows)
        variables = self._energy_network.scoring_variables
        return example_blocks.losses_in_blocks(score, code, rows, variables, size)

    def _score(self, code, rows, training):
        """Scores each example by itself.

        Args:
            code: ``[B, C]``.
            rows: a dict of the candidates ``[B, 1 + N, A]``, the demonstration first, of their
                log_probs ``[B, 1 + N]`` where they are known, and the neighbors ``[B, N, A]``
                where there is a neighbourhood.
            training: as Keras means it.

        Returns:
            Losses ``[B]`` and what to report of each example, each ``[B]``.
        """
        energies, gradients = self._energies(code, rows["candidates"], training)
        log_probs = None, None
        if "log_probs" in rows:
            log_probs = rows["log_probs"][:, 0], rows["log_probs"][:, 1:]
        losses = self._loss_of_energies(energies[:, 0], energies[:, 1:], *log_probs)
        report = self._report(energies)
        if self._gradient_penalty is not None:
            report["gradient_penalty"] = self._gradient_penalty(gradients)
            losses += report["gradient_penalty"]
        if self._neighborhood is not None:
            near = self._energy_network.energy(code, rows["neighbors"], training)
            report["neighborhood_loss"] = self._neighborhood(energies[:, 0], near)
            losses += report["neighborhood_loss"]
        return losses, report

    def _smoothed(self, action: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Returns demonstrations ``[B, A]`` with noise, thrown back at the bounds of the search.

        Beyond them no counter-example would ever contradict it.
        """
        bounds = self._normalizer.bounds
        noise = stateless_random.normal(seed, tf.shape(action)[0], [action.shape[-1]])
        above = bounds.low + tf.abs(action + self._smoothing * noise - bounds.low)
        thrown_back = bounds.high - tf.abs(bounds.high - above)
        return self._where_it_varies(thrown_back, action)

    def _where_it_varies(self, noisy: tf.Tensor, action: tf.Tensor) -> tf.Tensor:
        """Returns noisy actions ``[…, A]``, as demonstrated in what never varies in the data.

        Bounds have no room there: noise would tell the demonstration from all else by that alone.
        """
        bounds = self._normalizer.bounds
        return tf.where(bounds.high > bounds.low, noisy, action)

    def _check_sampler(self, sampler, num_samples):
        """Refuses what would search these energies wrongly, and without a sign of it."""
        if getattr(sampler, "searches_prefixes", False) != self.scores_prefixes:
            raise ValueError(
                f"{type(self).__name__} cannot use {type(sampler).__name__}: the sampler "
                "Autoregressive goes with AutoregressiveBCAgent, others with ImplicitBCAgent, or "
                "inside of Autoregressive."
            )
        if getattr(sampler, "searches_basins", False):
            num_basins = self._energy_network.num_basins
            if num_basins is None:
                raise ValueError(
                    "The sampler EachBasin needs an energy of several basins, as with "
                    "MlpEnergyNetwork.head = @SoftMinimum()."
                )
            if num_samples < num_basins:
                raise ValueError(
                    f"The sampler EachBasin needs a sample for each of {num_basins} basins, "
                    f"got {num_samples}."
                )

    def _report(self, energies):
        """Returns what to report of energies ``[B, 1 + N]``, the demonstration's first."""
        return {
            "demonstration_energy": energies[:, 0],
            "counter_example_energy": tf.reduce_mean(energies[:, 1:], axis=1),
            "demonstration_picked": tf.cast(
                energies[:, 0] < tf.reduce_min(energies[:, 1:], axis=1), tf.float32
            ),
        }

    def _draw_counter_examples(self, code, proposal_seed, sampler_seed):
        """Returns actions ``[B, N, A]`` into which no gradient flows."""
        code, bounds = tf.stop_gradient(code), self._normalizer.bounds
        drawn = self._proposal.sample(code, self._num_counter_examples, bounds, proposal_seed)
        if self._counter_example_sampler is not None:
            drawn = self._counter_example_sampler(
                self._energy_network.at(code),
                drawn,
                bounds,
                sampler_seed,
            ).actions
        return tf.stop_gradient(drawn)

    def _energies(self, code, actions, training):
        """Returns energies ``[B, N]`` and, if they are penalised, their slopes ``[B, N, A]``."""
        if self._gradient_penalty is None:
            return self._energy_network.energy(code, actions, training), None
        return self._energy_network.energy_and_gradient(code, actions, training)
