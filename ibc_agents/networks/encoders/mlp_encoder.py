"""Encoder of vector observations."""

from __future__ import annotations

from typing import Any

import gin
import tensorflow as tf

from ibc_agents.core import setting_checks
from ibc_agents.networks.layers import dense_resnet, float32_layers


@gin.configurable
class MlpEncoder(float32_layers.Float32Layer):
    """A width × depth dense ResNet over the observation window.

    Before an energy it runs once per observation, so its width costs little compared with the
    layers that score every sample.

    Examples:
        >>> MlpEncoder(width=16, depth=2)(tf.zeros([3, 2, 5])).shape
        TensorShape([3, 16])
    """

    def __init__(
        self,
        width: int = 256,
        depth: int = 4,
        activation: str = "relu",
        dropout_rate: float = 0.0,
        layer_norm: bool = False,
        dense: dense_resnet.DenseFactory = float32_layers.dense,
        noise: tf.keras.layers.Layer | None = None,
        distances: tf.keras.layers.Layer | None = None,
    ):
        """Creates the encoder.

        Args:
            width: W, units of every layer, positive.
            depth: D, even; D/2 residual blocks.
            activation: Name of a Keras activation.
            dropout_rate: Share of the activations dropped in training, in [0, 1); 0.1 in the
                paper's MSE baseline.
            layer_norm: Whether the inputs of each residual layer are normalized.
            dense: Makes a dense layer of the given units, for example `SpectralNormDense`.
            noise: Maps the flattened observation ``[B, ·]`` to the same shape, as `Noise`; None
                means no noise.
            distances: Maps the flattened observation to further features ``[B, ·]`` of it, as
                `LogDistances`, or None. Their share of the first layer is initially zero, so that
                they have no effect at first.

        Raises:
            SettingError: If a setting has a wrong type or is out of range.
        """
        super().__init__()
        layer = tf.keras.layers.Layer
        setting_checks.check_optional_instance("MlpEncoder.noise", noise, layer)
        setting_checks.check_optional_instance("MlpEncoder.distances", distances, layer)
        width, depth = dense_resnet.check_settings(
            "MlpEncoder", width, depth, activation, dropout_rate, layer_norm, dense
        )
        self._noise = noise
        self._projection = dense(width)
        self._distances = distances
        if distances is not None:
            # Always a plain layer, because a kernel of zeros has no singular value to divide by.
            self._distance_projection = float32_layers.dense(
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
