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
    the layers that see every sample. By default the plain observation is kept beside what is
    learned: goals and positions are often the very numbers an action must be compared with.
    """

    def __init__(
        self,
        width: int = 256,
        depth: int = 4,
        activation: str = "relu",
        keep_observation: bool = True,
        **kwargs,
    ):
        """Creates the encoder.

        Args:
            width: W, units of every layer, positive.
            depth: D, even; D/2 residual blocks.
            activation: name of a Keras activation.
            keep_observation: whether the flattened observation is part of the output.
            **kwargs: of the Keras layer.

        Raises:
            ValueError: if width or depth cannot be.
        """
        super().__init__(**kwargs)
        self._keep_observation = keep_observation
        self._projection = tf.keras.layers.Dense(width)
        self._blocks = layers.DenseResNet(width, depth, activation)
        self._activation = tf.keras.activations.get(activation)

    def call(self, observation: Any) -> tf.Tensor:
        """Maps a nest of windows ``[B, T, …]`` to float32 ``[B, W]`` or ``[B, T·size + W]``."""
        flat = layers.flatten_observation(observation)
        learned = self._activation(self._blocks(self._projection(flat)))
        return tf.concat([flat, learned], axis=-1) if self._keep_observation else learned
