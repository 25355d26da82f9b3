"""An energy as a squared distance."""

from __future__ import annotations

import gin
import tensorflow as tf


@gin.configurable
class SquaredNorm(tf.keras.layers.Layer):
    """exp(s) · ‖W x + b‖²: at least 0, and smooth around its minima, unlike a plain output.

    With the action among what x is made of, W x + b is a learned difference of action and
    demonstration. The factor, which begins as 1 / units, learns how steep the energy is.
    """

    def __init__(self, units: int = 64, **kwargs):
        """Creates the layer.

        Args:
            units: of the vector whose norm it is, positive.
            **kwargs: of the Keras layer.

        Raises:
            ValueError: if there are no units.
        """
        super().__init__(**kwargs)
        if units < 1:
            raise ValueError(f"units must be at least 1, got {units}.")
        self._difference = tf.keras.layers.Dense(units)
        self._units = units

    def build(self, input_shape):
        """Creates the factor."""
        start = tf.keras.initializers.Constant(-tf.math.log(float(self._units)).numpy())
        self._log_factor = self.add_weight("log_factor", [], initializer=start)
        super().build(input_shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Maps ``[M, W]`` to ``[M, 1]``."""
        squares = tf.square(self._difference(inputs))
        return tf.exp(self._log_factor) * tf.reduce_sum(squares, axis=-1, keepdims=True)
