"""Step sizes over the iterations of a chain."""

from __future__ import annotations

from typing import Protocol

import gin
import tensorflow as tf

from ibc_agents.core import setting_checks


class Schedule(Protocol):
    """Computes the step sizes of a chain."""

    def __call__(self, num_iterations: int) -> tf.Tensor:
        """Returns the step sizes of all iterations, float32 ``[num_iterations]``."""


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
            SettingError: If a setting is not positive.
        """
        positive = setting_checks.POSITIVE
        self._first = setting_checks.check_number("Polynomial.first", first, positive)
        self._last = setting_checks.check_number("Polynomial.last", last, positive)
        self._power = setting_checks.check_number("Polynomial.power", power, positive)

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
            SettingError: If it is not positive.
        """
        self._step_size = setting_checks.check_number(
            "Constant.step_size", step_size, setting_checks.POSITIVE
        )

    def __call__(self, num_iterations: int) -> tf.Tensor:
        """Returns the step sizes, float32 ``[num_iterations]``."""
        return tf.fill([num_iterations], tf.constant(self._step_size, tf.float32))
