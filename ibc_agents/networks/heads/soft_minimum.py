"""An energy as the soft minimum of several basins."""

from __future__ import annotations

import math

import gin
import tensorflow as tf

# The flanks' factor at the beginning; about the natural one for a handful of dimensions.
_FIRST_FLANK = 4.0


@gin.configurable
class SoftMinimum(tf.keras.layers.Layer):
    """−log Σₖ exp(−Eₖ), Eₖ = c · log(1 + r · ‖Wₖ x + bₖ‖²) + hₖ · x + gₖ, with k = 1 … K basins.

    With the action among what x is made of, each Wₖ x + bₖ is a learned difference of the action
    and one of the ways to act, and hₖ · x + gₖ says how good that way is. One way may be an affine
    map of x where the choice between them is not, so that to copy is learned soon. The steepness r,
    which begins as 1 / units, and c > 0 are learned; all basins have the same.

    A basin is a parabola at its bottom, but its flanks are logarithms, as those of Student's
    density: from far away all basins look alike but for hₖ · x + gₖ, so that only the good ones
    attract. Parabolas throughout would each keep what starts nearest, however bad they are.
    """

    def __init__(self, units: int = 32, num_basins: int = 4):
        """Creates the layer.

        Args:
            units: of each vector whose norm is taken, positive; at least the action's dimensions,
                or some directions of the action make no difference to a basin.
            num_basins: K, positive.

        Raises:
            ValueError: if there are no units or no basins.
        """
        super().__init__()
        for name, number in {"units": units, "num_basins": num_basins}.items():
            if number < 1:
                raise ValueError(f"{name} must be at least 1, got {number}.")
        self.num_basins = num_basins
        self._differences = tf.keras.layers.Dense(num_basins * units)
        self._heights = tf.keras.layers.Dense(num_basins)
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
