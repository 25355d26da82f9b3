"""Explicit behavioral cloning by the mean absolute error."""

from __future__ import annotations

import gin
import tensorflow as tf

from ibc_agents.agents import mse_agent


@gin.configurable(denylist=["time_step_spec", "action_spec", "normalizer", "train_step_counter"])
class MaeAgent(mse_agent.MseAgent):
    """Regresses the scaled action. The loss is the mean absolute error, so it learns the median."""

    def _example_losses(self, observation, action, seed, training):
        predicted, _ = self._regression_network(observation, training=training)
        return tf.reduce_mean(tf.abs(predicted - action), axis=-1), {}
