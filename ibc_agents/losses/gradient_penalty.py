"""Penalty on the energy's gradient in the action."""

from __future__ import annotations

import gin
import tensorflow as tf

from ibc_agents.core import setting_checks


@gin.configurable
class GradientPenalty:
    """weight · mean_n max(0, ‖∇_a E(o, a_n)‖_∞ − margin)².

    The penalty keeps the energy smooth enough for the step sizes of Langevin sampling. A gradient
    within the margin has no penalty. The mean is over the counter-examples and the demonstration.

    References:
        Florence et al., "Implicit Behavioral Cloning", 2021, Appendix B.
        https://arxiv.org/abs/2109.00137

    Examples:
        >>> GradientPenalty(margin=1.0)(tf.constant([[[3.0, -2.0]]])).numpy()
        array([4.], dtype=float32)
    """

    def __init__(self, margin: float = 1.0, weight: float = 1.0):
        """Sets the penalty.

        Args:
            margin: Largest gradient without penalty, in energy per scaled action unit; at least 0.
            weight: Factor of the penalty; at least 0.

        Raises:
            SettingError: If either is negative.
        """
        self._margin = setting_checks.check_number(
            "GradientPenalty.margin", margin, setting_checks.NOT_NEGATIVE
        )
        self._weight = setting_checks.check_number(
            "GradientPenalty.weight", weight, setting_checks.NOT_NEGATIVE
        )

    def __call__(self, action_gradients: tf.Tensor) -> tf.Tensor:
        """Returns the penalty, float32 ``[B]``, of gradients ∂E/∂a ``[B, N, A]``.

        Raises:
            ValueError: If the gradients are not of rank 3.
        """
        if action_gradients.shape.rank != 3:
            raise ValueError(
                f"Action gradients must have shape [B, N, A], got {action_gradients.shape}."
            )
        slope = tf.reduce_max(tf.abs(action_gradients), axis=-1)
        excess = tf.nn.relu(slope - self._margin)
        return self._weight * tf.reduce_mean(tf.square(excess), axis=-1)
