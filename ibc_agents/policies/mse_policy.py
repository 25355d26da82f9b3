"""The explicit policy of the MSE baseline: â = F(o)."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp
from tf_agents.networks import network

from ibc_agents.core import normalizer as normalizer_lib
from ibc_agents.policies import window_policy


class MsePolicy(window_policy.WindowPolicy):
    """Returns the action that the network predicts."""

    def __init__(
        self,
        time_step_spec,
        action_spec,
        regression_network: network.Network,
        normalizer: normalizer_lib.Normalizer,
        window: int,
        name: str = "MsePolicy",
    ):
        """Creates the policy.

        Args:
            time_step_spec: Time step spec of the unwrapped environment.
            action_spec: Action spec of the unwrapped environment.
            regression_network: Normalized window → scaled action ``[B, A]``.
            normalizer: Converts between the environment's units and scaled ones.
            window: T, frames of observation, at least 1.
            name: Name of the policy.
        """
        self._regression_network = regression_network
        super().__init__(time_step_spec, action_spec, normalizer, window, name=name)

    def _scaled_distribution(self, observation: Any, seed: tf.Tensor):
        scaled, _ = self._regression_network(observation)
        return tfp.distributions.VectorDeterministic(scaled)
