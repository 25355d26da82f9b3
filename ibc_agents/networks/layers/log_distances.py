"""How near parts of a vector are to each other, as features."""

from __future__ import annotations

import gin
import tensorflow as tf


@gin.configurable
class LogDistances(tf.keras.layers.Layer):
    """log(‖Wₖ x + bₖ‖² / U + floor), k = 1 … K, with Wₖ of U rows; x with noise in training.

    Where demonstrations do one thing until something is near something else, and then another,
    what decides is a distance, and small ones matter by their ratios: 0.01 or 0.02 from a goal of
    sixteen numbers is nothing to a layer that adds them up. With parts of x as what Wₖ compares,
    each feature is the logarithm of a learned distance.

    Demonstrations come nearer than a policy will that errs a little, and what is learned to decide
    at their distances may never happen to the policy. Noise of the size of its errors makes them
    alike, and as it is here alone, whatever else depends on x, such as where to go, stays exact.
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
            units: U, numbers in each difference, positive.
            floor: the least mean square that is told from none, positive.
            noise: maps x ``[B, W]`` to the same shape, as `Noise`; None leaves it as it is.

        Raises:
            ValueError: if a number is out of range.
        """
        super().__init__()
        numbers = {"num_distances": num_distances, "units": units, "floor": floor}
        for name, number in numbers.items():
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
