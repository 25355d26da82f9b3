"""Observation encoders: from a window of observations to one vector."""

from __future__ import annotations

from typing import Any

import gin
import tensorflow as tf

from ibc_agents.networks.layers import dense_resnet


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
        dropout_rate: float = 0.0,
        layer_norm: bool = False,
        dense: dense_resnet.DenseFactory = tf.keras.layers.Dense,
        noise: tf.keras.layers.Layer | None = None,
        distances: tf.keras.layers.Layer | None = None,
    ):
        """Creates the encoder.

        Args:
            width: W, units of every layer, positive.
            depth: D, even; D/2 residual blocks.
            activation: name of a Keras activation.
            dropout_rate: share of the activations dropped in training, in [0, 1); 0.1 in the
                paper's MSE baseline.
            layer_norm: whether the inputs of each residual layer are normalised.
            dense: makes a dense layer of so many units, for example `SpectralNormDense`.
            noise: maps the flattened observation ``[B, ·]`` to the same shape, as `Noise`; None
                leaves it as it is.
            distances: maps the flattened observation to further features ``[B, ·]`` of it, as
                `LogDistances`, or None. Their share of the first layer begins as nothing, so as not
                to stand in the way of what is linear in the observation.

        Raises:
            ValueError: if width, depth or dropout rate cannot be.
        """
        super().__init__()
        self._noise = noise
        self._projection = dense(width)
        self._distances = distances
        if distances is not None:
            # Always a plain layer: there is no singular value to divide zeros by.
            self._distance_projection = tf.keras.layers.Dense(
                width, use_bias=False, kernel_initializer="zeros"
            )
        self._blocks = dense_resnet.DenseResNet(
            width, depth, activation, dropout_rate, layer_norm, dense
        )

    def call(self, observation: Any, training: bool | None = None) -> tf.Tensor:
        """Maps a nest of windows, leaves ``[B, …]`` and no images, to float32 ``[B, W]``."""
        flat = dense_resnet.flatten_observation(observation)
        if self._noise is not None:
            flat = self._noise(flat, training=training)
        hidden = self._projection(flat, training=training)
        if self._distances is not None:
            hidden += self._distance_projection(self._distances(flat, training=training))
        return self._blocks(hidden, training=training)
