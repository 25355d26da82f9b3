"""Step sizes over the iterations of a chain."""

from __future__ import annotations

from collections.abc import Callable

import gin
import tensorflow as tf

Schedule = Callable[[int], tf.Tensor]
"""K → the step sizes of K iterations, float32 ``[K]``."""


@gin.configurable
class Polynomial:
    """Step sizes from `first` to `last` along (1 − progress)^power.

    The paper decays from 0.1 to 1e−5 with power 2.

    Examples:
        >>> Polynomial(first=1.0, last=0.5, power=1.0)(3).numpy()
        array([1.  , 0.75, 0.5 ], dtype=float32)
    """

    def __init__(self, first: float = 1e-1, last: float = 1e-5, power: float = 2.0):
        """Sets the schedule.

        Args:
            first: Step size of the first iteration, positive.
            last: Step size of the last iteration, positive.
            power: Exponent of the decay, positive.

        Raises:
            ValueError: If a setting is not positive.
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
    """The same step size in every iteration."""

    def __init__(self, step_size: float = 1e-5):
        """Sets the schedule.

        Args:
            step_size: Step size of every iteration, positive.

        Raises:
            ValueError: If it is not positive.
        """
        if step_size <= 0:
            raise ValueError(f"step_size must be positive, got {step_size}.")
        self._step_size = step_size

    def __call__(self, num_iterations: int) -> tf.Tensor:
        """Returns the step sizes, float32 ``[num_iterations]``."""
        return tf.fill([num_iterations], tf.constant(self._step_size, tf.float32))
