"""Log-uniform standard deviations of noise."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from ibc_agents.core import errors, setting_checks, stateless_random


class NoiseScales:
    """Draws standard deviations that are log-uniform between two values."""

    def __init__(self, owner: str, min_stddev: float, max_stddev: float):
        """Sets the range.

        Args:
            owner: The class with these settings, for the message.
            min_stddev: Smallest standard deviation, positive.
            max_stddev: Largest standard deviation, at least `min_stddev`.

        Raises:
            SettingError: If a setting is out of range.
        """
        self._min_stddev = setting_checks.check_number(
            f"{owner}.min_stddev", min_stddev, setting_checks.POSITIVE
        )
        self._max_stddev = setting_checks.check_number(
            f"{owner}.max_stddev", max_stddev, setting_checks.POSITIVE
        )
        if self._min_stddev > self._max_stddev:
            raise errors.SettingError(
                f"{owner}.min_stddev must be at most max_stddev, got {min_stddev} and {max_stddev}."
            )

    def draw(self, seed: tf.Tensor, batch_size: tf.Tensor | int, shape: Sequence[int]) -> tf.Tensor:
        """Returns standard deviations, float32 ``[B, *shape]``."""
        share = stateless_random.uniform(seed, batch_size, shape)
        return self._min_stddev * (self._max_stddev / self._min_stddev) ** share
