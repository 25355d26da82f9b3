"""Logarithms of learned distances, as features."""

from __future__ import annotations

import gin
import tensorflow as tf

from ibc_agents.core import setting_checks
from ibc_agents.networks.layers import float32_layers


@gin.configurable
class LogDistances(float32_layers.Float32Layer):
    """log(‖Wₖ x + bₖ‖² / U + floor), k = 1 … K, with Wₖ of U rows; noise on x in training.

    Demonstrations that change their behavior when two objects are close to each other depend on a
    distance, and small distances matter by their ratios. A dense layer hardly distinguishes 0.01
    from 0.02 from a goal of sixteen dimensions. With Wₖ comparing parts of x, each feature is the
    logarithm of a learned distance.

    A policy with small errors keeps a larger distance than the demonstrations. Noise of the size of
    its errors makes both distances indistinguishable. It applies to these features only, so all
    other features of x remain exact.
    """

    def __init__(
        self,
        num_distances: int = 32,
        units: int = 32,
        floor: float = 1e-4,
        noise: tf.keras.layers.Layer | None = None,
    ):
        """Creates the layer.

        Args:
            num_distances: K, positive.
            units: U, dimensions of each difference, positive.
            floor: Smallest mean square that differs from zero, positive.
            noise: Maps x ``[B, W]`` to the same shape, as `Noise`; None means no noise.

        Raises:
            SettingError: If a number is out of range, or the noise is no layer.
        """
        super().__init__()
        num_distances = setting_checks.check_integer(
            "LogDistances.num_distances", num_distances, minimum=1
        )
        units = setting_checks.check_integer("LogDistances.units", units, minimum=1)
        floor = setting_checks.check_number("LogDistances.floor", floor, setting_checks.POSITIVE)
        setting_checks.check_optional_instance("LogDistances.noise", noise, tf.keras.layers.Layer)
        self._differences = float32_layers.dense(num_distances * units)
        self._shape = [-1, num_distances, units]
        self._floor = floor
        self._noise = noise

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Maps x ``[B, W]`` to ``[B, K]``."""
        if self._noise is not None:
            inputs = self._noise(inputs, training=training)
        differences = tf.reshape(self._differences(inputs), self._shape)
        return tf.math.log(tf.reduce_mean(tf.square(differences), axis=-1) + self._floor)
