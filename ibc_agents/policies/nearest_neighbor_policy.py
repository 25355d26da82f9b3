"""The policy of the nearest-neighbor baseline."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from ibc_agents.core import normalizer as normalizer_lib
from ibc_agents.policies import nearest_neighbor_index, window_policy


class NearestNeighborPolicy(window_policy.WindowPolicy):
    """Returns the action of the memorized window whose code is closest, by Euclidean distance."""

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
            time_step_spec: Time step spec of the unwrapped environment.
            action_spec: Action spec of the unwrapped environment.
            encoder: Normalized window → code ``[B, F]``.
            index: Code → scaled action ``[B, A]`` of the closest one.
            normalizer: Converts between the environment's units and scaled ones.
            window: T, frames of observation, at least 1.
            name: Name of the policy.
        """
        self._encoder = encoder
        self._index = index
        super().__init__(time_step_spec, action_spec, normalizer, window, name=name)

    def _scaled_distribution(self, observation: Any, seed: tf.Tensor):
        return tfp.distributions.VectorDeterministic(self._index(self._encoder(observation)))
