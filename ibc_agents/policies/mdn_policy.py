"""The explicit policy of the mixture-density baseline."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from ibc_agents.core import normalizer as normalizer_lib
from ibc_agents.networks.heads import mixture_density
from ibc_agents.policies import window_policy
from ibc_agents.policies.distributions import gaussian_mixture


class MdnPolicy(window_policy.WindowPolicy):
    """Returns the mode of the mixture that the network predicts; see `GaussianMixture`.

    `action` is deterministic. `distribution` is the mixture itself, clipped to the bounds.
    """

    def __init__(
        self,
        time_step_spec,
        action_spec,
        mixture_network: mixture_density.MixtureDensityNetwork,
        normalizer: normalizer_lib.Normalizer,
        window: int,
        temperature: float = 1.0,
        name: str = "MdnPolicy",
    ):
        """Creates the policy.

        Args:
            time_step_spec: Time step spec of the unwrapped environment.
            action_spec: Action spec of the unwrapped environment.
            mixture_network: Normalized window → mixture over scaled actions.
            normalizer: Converts between the environment's units and scaled ones.
            window: T, frames of observation, at least 1.
            temperature: Divides the mixture's logits, positive.
            name: Name of the policy.

        Raises:
            ValueError: If the temperature is not positive.
        """
        if temperature <= 0:
            raise ValueError(f"temperature must be positive, got {temperature}.")
        self._mixture_network = mixture_network
        self._temperature = temperature
        super().__init__(time_step_spec, action_spec, normalizer, window, name=name)

    def _scaled_distribution(self, observation: Any, seed: tf.Tensor):
        parameters, _ = self._mixture_network(observation)
        return gaussian_mixture.GaussianMixture.from_parameters(parameters, self._temperature)
