"""The energy as the soft minimum of several basins."""

from __future__ import annotations

import math

import gin
import tensorflow as tf

from ibc_agents.core import setting_checks
from ibc_agents.networks.layers import float32_layers

# Initial factor of the logarithms; a Student density of a few dimensions has about this one.
_FIRST_FLANK = 4.0


@gin.configurable
class SoftMinimum(float32_layers.Float32Layer):
    """−log Σₖ exp(−Eₖ), Eₖ = c · log(1 + r · ‖Wₖ x + bₖ‖²) + hₖ · x + gₖ, with k = 1 … K basins.

    The action is part of x, so Wₖ x + bₖ is a learned difference between the action and one of its
    modes, and hₖ · x + gₖ is the energy at the bottom of that basin. The steepness r, initially
    1 / units, and c > 0 are learned and shared by all basins.

    Near its bottom a basin is a parabola, and far from it a logarithm, as the log density of
    Student's t distribution. Far actions therefore have about the same energy in all basins except
    for hₖ · x + gₖ, and move to the low basins. With parabolas only, actions would stay in the
    basin nearest to their start.

    Examples:
        >>> SoftMinimum(units=4, num_basins=2)(tf.zeros([5, 16])).shape
        TensorShape([5, 1])
    """

    def __init__(self, units: int = 32, num_basins: int = 4):
        """Creates the layer.

        Args:
            units: U, rows of Wₖ, positive. With fewer than the action has dimensions, a basin does
                not depend on some directions of the action.
            num_basins: K, positive.

        Raises:
            SettingError: If there are no units or no basins.
        """
        super().__init__()
        units = setting_checks.check_integer("SoftMinimum.units", units, minimum=1)
        num_basins = setting_checks.check_integer("SoftMinimum.num_basins", num_basins, minimum=1)
        self.num_basins = num_basins
        self._differences = float32_layers.dense(num_basins * units)
        self._heights = float32_layers.dense(num_basins)
        self._shape = [-1, num_basins, units]

    def build(self, input_shape):
        """Creates the logarithms of steepness and flank."""
        constant = tf.keras.initializers.Constant
        self._log_steepness = self.add_weight(
            "log_steepness", [], initializer=constant(-math.log(self._shape[-1]))
        )
        self._log_flank = self.add_weight(
            "log_flank", [], initializer=constant(math.log(_FIRST_FLANK))
        )
        super().build(input_shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Maps ``[M, W]`` to ``[M, 1]``."""
        squares = tf.exp(self._log_steepness) * self.square_distances(inputs)
        energies = tf.exp(self._log_flank) * tf.math.log1p(squares) + self._heights(inputs)
        return -tf.reduce_logsumexp(-energies, axis=-1, keepdims=True)

    def square_distances(self, inputs: tf.Tensor) -> tf.Tensor:
        """Maps ``[M, W]`` to ‖Wₖ x + bₖ‖², ``[M, K]``: how far from each basin's bottom x is."""
        differences = tf.reshape(self._differences(inputs), self._shape)
        return tf.reduce_sum(tf.square(differences), axis=-1)
