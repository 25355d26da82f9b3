"""The MDN baseline: explicit behavioral cloning by a mixture density."""

from __future__ import annotations

from typing import Any

import gin
import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from ibc_agents.agents import behavioral_cloning_agent
from ibc_agents.agents.construction import building
from ibc_agents.core import normalizer as normalizer_lib
from ibc_agents.core import setting_checks
from ibc_agents.networks.heads import mixture_density
from ibc_agents.policies import mdn_policy
from ibc_agents.policies.distributions import gaussian_mixture


@gin.configurable(denylist=["time_step_spec", "action_spec", "normalizer", "train_step_counter"])
class MdnAgent(behavioral_cloning_agent.BehavioralCloningAgent):
    """Learns a mixture of Gaussians over the scaled action; the loss is −log p(a|o).

    References:
        Florence et al., "Implicit Behavioral Cloning", 2021, Appendix B.
        https://arxiv.org/abs/2109.00137
        Bishop, "Mixture Density Networks", 1994.
        https://publications.aston.ac.uk/id/eprint/373/
    """

    def __init__(
        self,
        time_step_spec: ts.TimeStep,
        action_spec: Any,
        normalizer: normalizer_lib.Normalizer,
        encoder: tf.keras.layers.Layer,
        optimizer: tf.keras.optimizers.Optimizer,
        window: int = 2,
        num_components: int = 26,
        min_stddev: float = 0.05,
        training_temperature: float = 1.0,
        policy_temperature: float = 1.0,
        seed: int = 0,
        train_step_counter: tf.Variable | None = None,
    ):
        """Creates the agent.

        Temperatures divide the logits of the mixture's weights only. Equal temperatures in training
        and policy scale the training steps but not the learned mixture. The policy's weights are
        the learned ones to the power of training_temperature / policy_temperature, normalized. A
        lower temperature in the policy favors the largest weight.

        Args:
            time_step_spec: Time step spec of the unwrapped environment.
            action_spec: Action spec of the unwrapped environment; float vectors or a nest of them.
            normalizer: Statistics of the demonstrations.
            encoder: Maps the normalized window to a vector; a linear layer maps it to a mixture.
            optimizer: A Keras optimizer.
            window: T, frames of observation.
            num_components: K, positive; 26 in the paper.
            min_stddev: The smallest standard deviation of a component, positive. In scaled units,
                that is in halves of the data's range; see `MixtureDensityNetwork`.
            training_temperature: Temperature of the loss, positive; 1 to 2.5 in the paper.
            policy_temperature: Temperature of the policy, positive; 1 to 2.5 in the paper.
            seed: Seed of all randomness in training.
            train_step_counter: Int64 variable; by default TF-Agents' global step.

        Raises:
            SettingError: If a setting has a wrong type or is out of range.
        """
        window = setting_checks.check_integer("MdnAgent.window", window, minimum=1)
        setting_checks.check_instance("MdnAgent.encoder", encoder, tf.keras.layers.Layer)
        num_components = setting_checks.check_integer(
            "MdnAgent.num_components", num_components, minimum=1
        )
        positive = setting_checks.POSITIVE
        min_stddev = setting_checks.check_number("MdnAgent.min_stddev", min_stddev, positive)
        self._training_temperature = setting_checks.check_number(
            "MdnAgent.training_temperature", training_temperature, positive
        )
        policy_temperature = setting_checks.check_number(
            "MdnAgent.policy_temperature", policy_temperature, positive
        )
        self._mixture_network = mixture_density.MixtureDensityNetwork(
            normalizer.action_space.size, encoder, num_components, min_stddev
        )
        building.build_network(
            "MdnAgent.encoder", self._mixture_network, time_step_spec, normalizer, window
        )
        policy = mdn_policy.MdnPolicy(
            time_step_spec,
            action_spec,
            self._mixture_network,
            normalizer,
            window,
            policy_temperature,
        )
        super().__init__(
            time_step_spec,
            action_spec,
            policy,
            normalizer,
            optimizer,
            window,
            trained=[self._mixture_network],
            seed=seed,
            train_step_counter=train_step_counter,
        )

    def _example_losses(self, observation, action, seed, training):
        parameters, _ = self._mixture_network(observation, training=training)
        mixture = gaussian_mixture.GaussianMixture.from_parameters(
            parameters, self._training_temperature
        )
        # The standard deviation of the component with the largest posterior.
        taken = mixture.posterior_mode(action)
        stddevs = tf.gather(parameters.stddevs, taken, batch_dims=1)
        report = {
            "component_stddev": tf.reduce_mean(stddevs, axis=-1),
            "weights_entropy": mixture.mixture_distribution.entropy(),
        }
        return -mixture.log_prob(action), report
