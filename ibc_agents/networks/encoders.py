"""Observation encoders: from a window of observations to one vector."""

from __future__ import annotations

from typing import Any

import gin
import tensorflow as tf

from ibc_agents.networks import layers


@gin.configurable
class MlpEncoder(tf.keras.layers.Layer):
    """A width × depth dense ResNet over the observation window.

    Before an energy it runs once an observation, so its width costs next to nothing compared with
    the layers that see every sample.
    """

    def __init__(
        self,
        width: int = 256,
        depth: int = 4,
        activation: str = "relu",
        **kwargs,
    ):
        """Creates the encoder.

        Args:
            width: W, units of every layer, positive.
            depth: D, even; D/2 residual blocks.
            activation: name of a Keras activation.
            **kwargs: of the Keras layer.

        Raises:
            ValueError: if width or depth cannot be.
        """
        super().__init__(**kwargs)
        self._projection = tf.keras.layers.Dense(width)
        self._blocks = layers.DenseResNet(width, depth, activation)

    def call(self, observation: Any) -> tf.Tensor:
        """Maps a nest of windows, leaves ``[B, T, …]``, to float32 ``[B, W]``."""
        return self._blocks(self._projection(layers.flatten_observation(observation)))
