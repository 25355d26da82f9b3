"""Implicit Behavioral Cloning."""

from __future__ import annotations

from typing import Any

import gin
import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from ibc_agents import acceleration as acceleration_lib
from ibc_agents import losses as losses_lib
from ibc_agents.agents import counter_examples as counter_examples_lib
from ibc_agents.agents import energy_based_agent
from ibc_agents.agents.construction import compatibility
from ibc_agents.agents.training import action_noise
from ibc_agents.core import normalizer as normalizer_lib
from ibc_agents.core import protocols, setting_checks, stateless_random
from ibc_agents.networks.energy import energy_network as energy_network_lib
from ibc_agents.policies import policy_search as policy_search_lib


@gin.configurable(denylist=["time_step_spec", "action_spec", "normalizer", "train_step_counter"])
class ImplicitBCAgent(energy_based_agent.EnergyBasedAgent):
    """Learns an energy E(o, a) that demonstrated actions minimize, and acts by minimizing it.

    Training: counter-examples are drawn from a proposal, and a sampler may move them to low energy
    (Langevin training). The loss classifies the demonstration among them by energy. No gradient
    flows into the counter-examples. A gradient penalty and conditional NCE may be added.

    Inference: the policy draws samples from the proposal, a sampler moves them to low energy, and
    the sample of lowest energy is the action.

    References:
        Florence et al., "Implicit Behavioral Cloning", 2021, Sec. 2.
        https://arxiv.org/abs/2109.00137
    """

    def __init__(
        self,
        time_step_spec: ts.TimeStep,
        action_spec: Any,
        normalizer: normalizer_lib.Normalizer,
        energy_network: energy_network_lib.EnergyNetwork,
        optimizer: tf.keras.optimizers.Optimizer,
        window: int = 2,
        counter_examples: counter_examples_lib.CounterExamples | None = None,
        loss: protocols.Loss | None = None,
        gradient_penalty: losses_lib.GradientPenalty | None = None,
        conditional_nce: losses_lib.ConditionalNCE | None = None,
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
            energy_network: The energy E(o, a).
            optimizer: A Keras optimizer.
            window: T, frames of observation.
            counter_examples: Settings of the counter-examples, by default `CounterExamples()`.
            loss: By default `InfoNCE()`.
            gradient_penalty: Penalty on ∂E/∂a at the counter-examples and the demonstration, or
                None.
            conditional_nce: Further loss on neighbors of the demonstration, or None.
            policy_search: Settings of the policy's search, by default `PolicySearch()`.
            acceleration: Makes the agent faster on a CPU, by default `Acceleration()`.
            seed: Seed of all randomness in training.
            train_step_counter: Int64 variable; by default TF-Agents' global step.

        Raises:
            SettingError: If a setting has a wrong type or is out of range, or parts do not fit
                together.
            ValueError: If the action spec is not continuous.
        """
        if counter_examples is None:
            counter_examples = counter_examples_lib.CounterExamples()
        setting_checks.check_instance(
            "ImplicitBCAgent.counter_examples",
            counter_examples,
            counter_examples_lib.CounterExamples,
        )
        setting_checks.check_optional_instance(
            "ImplicitBCAgent.gradient_penalty", gradient_penalty, losses_lib.GradientPenalty
        )
        setting_checks.check_optional_instance(
            "ImplicitBCAgent.conditional_nce", conditional_nce, losses_lib.ConditionalNCE
        )
        if acceleration is None:
            acceleration = acceleration_lib.Acceleration()
        setting_checks.check_instance(
            "ImplicitBCAgent.acceleration", acceleration, acceleration_lib.Acceleration
        )
        self._loss_of_energies = losses_lib.InfoNCE() if loss is None else loss
        compatibility.check_loss(
            "ImplicitBCAgent", self._loss_of_energies, counter_examples.sampler is None
        )
        compatibility.check_network("ImplicitBCAgent", self.scores_prefixes, energy_network)
        self._counter_examples = counter_examples
        self._sampler = None
        if counter_examples.sampler is not None:
            compatibility.check_sampler(
                type(self).__name__,
                counter_examples.sampler,
                counter_examples.number,
                energy_network,
            )
            self._sampler = acceleration.sampler(counter_examples.sampler)
        self._gradient_penalty = gradient_penalty
        self._conditional_nce = conditional_nce
        self._score = acceleration.score(self._score_examples, energy_network)
        super().__init__(
            time_step_spec,
            action_spec,
            normalizer,
            energy_network,
            optimizer,
            window,
            counter_examples.proposal,
            policy_search_lib.PolicySearch() if policy_search is None else policy_search,
            acceleration,
            seed,
            train_step_counter,
        )

    def energy_function(self, window: Any) -> protocols.EnergyFunction:
        """See the base class."""
        code = self._network.encode(self._normalizer.normalize_observation(window))
        return self._network.at(code)

    def _example_losses(self, observation, action, seed, training):
        code = self._network.encode(observation, training)
        stddev, bounds = self._counter_examples.action_noise_stddev, self._normalizer.bounds
        if stddev:
            noise_seed = stateless_random.fold_in(seed, 3)
            action = action_noise.add_reflected_noise(action, stddev, bounds, noise_seed)
        examples = self._draw_examples(code, action, seed)
        losses, report = self._score(code, examples, training)
        if isinstance(self._proposal, protocols.LearnedProposal):
            report["proposal_loss"] = self._proposal.loss(code, action, training)
            losses += report["proposal_loss"]
        return losses, report

    def _draw_examples(self, code, action, seed):
        """Draws the candidate actions of the losses; no gradient flows into them.

        Args:
            code: ``[B, C]``.
            action: The demonstrations, scaled, ``[B, A]``.
            seed: Int32 ``[2]``.

        Returns:
            A dict of `candidates` ``[B, 1 + N, A]``, the demonstration first; their `log_probs`
            ``[B, 1 + N]`` if they are known; and `neighbors` ``[B, N, A]`` for conditional NCE.
        """
        code, bounds = tf.stop_gradient(code), self._normalizer.bounds
        proposal_seed = stateless_random.fold_in(seed, 0)
        number = self._counter_examples.number
        drawn = self._proposal.sample(code, number, bounds, proposal_seed)
        if self._sampler is not None:
            sampler_seed = stateless_random.fold_in(seed, 1)
            drawn = self._sampler(self._network.at(code), drawn, bounds, sampler_seed).actions
        candidates = tf.concat([action[:, None], tf.stop_gradient(drawn)], axis=1)
        examples = {"candidates": candidates}
        if self._sampler is None:
            log_probs = self._proposal.log_prob(code, candidates, bounds, proposal_seed)
            examples["log_probs"] = tf.stop_gradient(log_probs)
        if self._conditional_nce is not None:
            noisy = self._conditional_nce.neighbors(action, stateless_random.fold_in(seed, 2))
            examples["neighbors"] = action_noise.keep_constant_dimensions(
                noisy, action[:, None], bounds
            )
        return examples

    def _score_examples(self, code, examples, training):
        """Scores each example independently of the others.

        Args:
            code: ``[B, C]``.
            examples: What `_draw_examples` returns.
            training: As in Keras.

        Returns:
            Losses ``[B]``, and a dict of values to report ``[B]``.
        """
        candidates, gradients = examples["candidates"], None
        if self._gradient_penalty is None:
            energies = self._network.energy(code, candidates, training)
        else:
            energies, gradients = self._network.energy_and_gradient(code, candidates, training)
        log_probs = None, None
        if "log_probs" in examples:
            log_probs = examples["log_probs"][:, 0], examples["log_probs"][:, 1:]
        losses = self._loss_of_energies(energies[:, 0], energies[:, 1:], *log_probs)
        report = energy_based_agent.report_energies(energies)
        if self._gradient_penalty is not None:
            report["gradient_penalty"] = self._gradient_penalty(gradients)
            losses += report["gradient_penalty"]
        if self._conditional_nce is not None:
            near = self._network.energy(code, examples["neighbors"], training)
            report["conditional_nce_loss"] = self._conditional_nce(energies[:, 0], near)
            losses += report["conditional_nce_loss"]
        return losses, report
