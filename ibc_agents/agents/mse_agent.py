"""The MSE baseline: explicit behavioral cloning by regression."""

from __future__ import annotations

from typing import Any

import gin
import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from ibc_agents.agents import behavioral_cloning_agent
from ibc_agents.agents.construction import building
from ibc_agents.core import normalizer as normalizer_lib
from ibc_agents.core import setting_checks
from ibc_agents.networks.heads import regression
from ibc_agents.policies import mse_policy


@gin.configurable(denylist=["time_step_spec", "action_spec", "normalizer", "train_step_counter"])
class MseAgent(behavioral_cloning_agent.BehavioralCloningAgent):
    """Regresses the scaled action; the loss is its mean squared error.

    References:
        Florence et al., "Implicit Behavioral Cloning", 2021, Appendix B.
        https://arxiv.org/abs/2109.00137
    """

    def __init__(
        self,
        time_step_spec: ts.TimeStep,
        action_spec: Any,
        normalizer: normalizer_lib.Normalizer,
        encoder: tf.keras.layers.Layer,
        optimizer: tf.keras.optimizers.Optimizer,
        window: int = 2,
        seed: int = 0,
        train_step_counter: tf.Variable | None = None,
    ):
        """Creates the agent.

        Args:
            time_step_spec: Time step spec of the unwrapped environment.
            action_spec: Action spec of the unwrapped environment; float vectors or a nest of them.
            normalizer: Statistics of the demonstrations.
            encoder: Maps the normalized window to a vector; a linear layer maps it to an action.
            optimizer: A Keras optimizer.
            window: T, frames of observation.
            seed: Seed of all randomness in training.
            train_step_counter: Int64 variable; by default TF-Agents' global step.

        Raises:
            SettingError: If a setting has a wrong type or is out of range.
        """
        window = setting_checks.check_integer("MseAgent.window", window, minimum=1)
        setting_checks.check_instance("MseAgent.encoder", encoder, tf.keras.layers.Layer)
        self._regression_network = regression.RegressionNetwork(
            encoder, normalizer.action_space.size
        )
        building.build_network(
            "MseAgent.encoder", self._regression_network, time_step_spec, normalizer, window
        )
        policy = mse_policy.MsePolicy(
            time_step_spec, action_spec, self._regression_network, normalizer, window
        )
        super().__init__(
            time_step_spec,
            action_spec,
            policy,
            normalizer,
            optimizer,
            window,
            trained=[self._regression_network],
            seed=seed,
            train_step_counter=train_step_counter,
        )

    def _example_losses(self, observation, action, seed, training):
        predicted, _ = self._regression_network(observation, training=training)
        return tf.reduce_mean(tf.square(predicted - action), axis=-1), {}
