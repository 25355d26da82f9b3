"""Step sizes over the iterations of a chain."""

from __future__ import annotations

import gin
import tensorflow as tf


@gin.configurable
class Polynomial:
    """From `first` to `last` along (1 − progress)^power; the paper's 0.1 → 1e−5, power 2."""

    def __init__(self, first: float = 1e-1, last: float = 1e-5, power: float = 2.0):
        """Sets the schedule.

        Args:
            first: step size of the first iteration, positive.
            last: step size of the last iteration, positive.
            power: exponent of the decay, positive.

        Raises:
            ValueError: if a value is not positive.
        """
        if min(first, last, power) <= 0:
            raise ValueError(
                f"first, last and power must be positive, got {first}, {last}, {power}."
            )
        self._first = first
        self._last = last
        self._power = power

    def __call__(self, num_iterations: int) -> tf.Tensor:
        """Returns the step sizes, float32 ``[num_iterations]``."""
        progress = tf.range(num_iterations, dtype=tf.float32) / max(num_iterations - 1, 1)
        return (self._first - self._last) * (1.0 - progress) ** self._power + self._last


@gin.configurable
class Constant:
    """The same step size throughout."""

    def __init__(self, step_size: float = 1e-5):
        """Sets the step size, positive.

        Raises:
            ValueError: if it is not positive.
        """
        if step_size <= 0:
            raise ValueError(f"step_size must be positive, got {step_size}.")
        self._step_size = step_size

    def __call__(self, num_iterations: int) -> tf.Tensor:
        """Returns the step sizes, float32 ``[num_iterations]``."""
        return tf.fill([num_iterations], tf.constant(self._step_size, tf.float32))
