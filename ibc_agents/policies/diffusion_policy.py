"""The policy of the diffusion baseline: an action is denoised noise."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from ibc_agents.core import normalizer as normalizer_lib
from ibc_agents.core import stateless_random
from ibc_agents.networks.heads import denoising
from ibc_agents.policies import diffusion_process, window_policy


class DiffusionPolicy(window_policy.WindowPolicy):
    """Samples an action by denoising.

    The distribution of a step is the one sample that the policy's seed determines. Its mode is that
    sample.
    """

    def __init__(
        self,
        time_step_spec,
        action_spec,
        denoising_network: denoising.DenoisingNetwork,
        process: diffusion_process.DiffusionProcess,
        normalizer: normalizer_lib.Normalizer,
        window: int,
        name: str = "DiffusionPolicy",
    ):
        """Creates the policy.

        Args:
            time_step_spec: Time step spec of the unwrapped environment.
            action_spec: Action spec of the unwrapped environment.
            denoising_network: Predicts the noise in scaled actions.
            process: Noise levels and steps.
            normalizer: Converts between the environment's units and scaled ones.
            window: T, frames of observation, at least 1.
            name: Name of the policy.
        """
        self._denoising_network = denoising_network
        self._process = process
        super().__init__(time_step_spec, action_spec, normalizer, window, name=name)

    def _scaled_distribution(self, observation: Any, seed: tf.Tensor):
        code = self._denoising_network.encode(observation)
        size = self._normalizer.action_space.size
        noise = stateless_random.normal(seed, tf.shape(code)[0], [size])
        scaled = self._process.sample(
            lambda actions, levels: self._denoising_network.denoise(code, actions, levels),
            noise,
            self._normalizer.bounds,
        )
        return tfp.distributions.VectorDeterministic(scaled)
