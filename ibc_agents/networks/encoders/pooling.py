"""Pooling of a feature map to one vector."""

from __future__ import annotations

import math

import gin
import tensorflow as tf

from ibc_agents.core import errors, setting_checks
from ibc_agents.networks.encoders import image_coordinates
from ibc_agents.networks.layers import float32_layers


@gin.configurable
class GlobalAveragePooling(float32_layers.Float32Layer):
    """The mean of each feature over all positions.

    After convolutions that keep much of the resolution this is the average pooling over
    dense features of the paper's planar sweeping (Sec. 4).
    """

    def __init__(self):
        """Creates the layer, which has no settings."""
        super().__init__()

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """Maps ``[B, h, w, C]`` to ``[B, C]``."""
        return tf.reduce_mean(features, axis=[1, 2])


@gin.configurable
class SpatialSoftArgmax(float32_layers.Float32Layer):
    """The expected position of each feature.

    The softmax of a channel over all positions, at a temperature, weights the coordinates; their
    weighted mean is the feature's (x, y).

    References:
        Levine et al., "End-to-End Training of Deep Visuomotor Policies", 2016.
        https://arxiv.org/abs/1504.00702
    """

    def __init__(self, temperature: float = 1.0, learn_temperature: bool = False):
        """Creates the layer.

        Args:
            temperature: Divides the features, positive; smaller is sharper. The initial value if
                it is learned.
            learn_temperature: Whether it is learned, one number for all channels.

        Raises:
            SettingError: If the temperature is not positive.
        """
        super().__init__()
        self._first_temperature = setting_checks.check_number(
            "SpatialSoftArgmax.temperature", temperature, setting_checks.POSITIVE
        )
        self._learn_temperature = setting_checks.check_flag(
            "SpatialSoftArgmax.learn_temperature", learn_temperature
        )

    def build(self, input_shape):
        """Creates the temperature.

        Raises:
            ObservationError: If the map has a single position.
        """
        _, height, width, _ = input_shape
        if height * width < 2:
            raise errors.ObservationError(
                f"A soft-argmax needs more than one position, got a {height} × {width} map of "
                "features. Use larger images or smaller strides before it."
            )
        # The variable is the logarithm, so that the temperature stays positive.
        self._log_temperature = self.add_weight(
            "log_temperature",
            shape=[],
            initializer=tf.keras.initializers.Constant(math.log(self._first_temperature)),
            trainable=self._learn_temperature,
        )
        super().build(input_shape)

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """Maps ``[B, h, w, C]`` to ``[B, 2C]``: x_1, y_1, x_2, y_2, … in [−1, 1], C static."""
        _, height, width, channels = features.shape
        grid = image_coordinates.pixel_grid(height, width).reshape(-1, 2)
        logits = tf.reshape(features, [-1, height * width, channels])
        logits *= tf.exp(-self._log_temperature)
        # tf.nn.softmax over an axis that is not the last would transpose there and back.
        logits -= tf.stop_gradient(tf.reduce_max(logits, axis=1, keepdims=True))
        weights = tf.exp(logits)
        sums = tf.einsum("bpc,pk->bck", weights, tf.constant(grid, features.dtype))
        means = sums / tf.reduce_sum(weights, axis=1)[..., None]
        return tf.reshape(means, [-1, 2 * channels])
