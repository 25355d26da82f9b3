"""Logarithms of learned distances, as features."""

from __future__ import annotations

import gin
import tensorflow as tf


@gin.configurable
class LogDistances(tf.keras.layers.Layer):
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
            ValueError: If a number is out of range.
        """
        super().__init__()
        settings = {"num_distances": num_distances, "units": units, "floor": floor}
        for name, number in settings.items():
            if number <= 0:
                raise ValueError(f"{name} must be positive, got {number}.")
        self._differences = tf.keras.layers.Dense(num_distances * units)
        self._shape = [-1, num_distances, units]
        self._floor = floor
        self._noise = noise

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Maps x ``[B, W]`` to ``[B, K]``."""
        if self._noise is not None:
            inputs = self._noise(inputs, training=training)
        differences = tf.reshape(self._differences(inputs), self._shape)
        return tf.math.log(tf.reduce_mean(tf.square(differences), axis=-1) + self._floor)
