"""Gradient penalty on the energy's slope in the action (paper appendix, after [20])."""

from __future__ import annotations

import gin
import tensorflow as tf


@gin.configurable
class GradientPenalty:
    """weight · mean_n max(0, ‖∇_a E(o, a_n)‖_∞ − margin)².

    Keeps the energy smooth enough for the step sizes of Langevin sampling: within the margin a
    gradient costs nothing. The mean runs over the final samples and the demonstration.
    """

    def __init__(self, margin: float = 1.0, weight: float = 1.0):
        """Sets the penalty.

        Args:
            margin: slope, energy per unit of scaled action, that costs nothing; at least 0.
            weight: factor on the penalty; at least 0.

        Raises:
            ValueError: if either is negative.
        """
        if margin < 0 or weight < 0:
            raise ValueError(f"margin and weight must not be negative, got {margin} and {weight}.")
        self._margin = margin
        self._weight = weight

    def __call__(self, action_gradients: tf.Tensor) -> tf.Tensor:
        """Returns the penalty ``[B]`` of gradients ∂E/∂a ``[B, N, A]``."""
        if action_gradients.shape.rank != 3:
            raise ValueError(
                f"Action gradients must have shape [B, N, A], got {action_gradients.shape}."
            )
        slope = tf.reduce_max(tf.abs(action_gradients), axis=-1)
        excess = tf.nn.relu(slope - self._margin)
        return self._weight * tf.reduce_mean(tf.square(excess), axis=-1)
