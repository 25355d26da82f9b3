"""The paper's nearest-neighbour baseline: the demonstrated action of the closest observation."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from ibc_agents.core import normalizer as normalizer_lib
from ibc_agents.policies import nearest_neighbor_index, window_policy


class NearestNeighborPolicy(window_policy.WindowPolicy):
    """Returns the action of the memorised window whose code is closest, by Euclidean distance."""

    def __init__(
        self,
        time_step_spec,
        action_spec,
        encoder: tf.keras.layers.Layer,
        index: nearest_neighbor_index.NearestNeighborIndex,
        normalizer: normalizer_lib.Normalizer,
        window: int,
        name: str = "NearestNeighborPolicy",
    ):
        """Creates the policy; the index may be filled later, but before the policy acts.

        Args:
            time_step_spec: of the unwrapped environment.
            action_spec: of the unwrapped environment.
            encoder: normalised window → code ``[B, F]``.
            index: code → scaled action ``[B, A]`` of the closest one.
            normalizer: from the environment's units to scaled ones and back.
            window: T, frames of observation, at least 1.
            name: of the policy.
        """
        self._encoder = encoder
        self._index = index
        super().__init__(time_step_spec, action_spec, normalizer, window, name=name)

    def _scaled_distribution(self, observation: Any, seed: tf.Tensor):
        return tfp.distributions.VectorDeterministic(self._index(self._encoder(observation)))
