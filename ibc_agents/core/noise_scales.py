"""Log-uniform standard deviations of noise."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from ibc_agents.core import stateless_random


class NoiseScales:
    """Draws standard deviations that are log-uniform between two values."""

    def __init__(self, min_stddev: float, max_stddev: float):
        """Sets the range.

        Args:
            min_stddev: Smallest standard deviation, positive.
            max_stddev: Largest standard deviation, at least `min_stddev`.

        Raises:
            ValueError: If a setting is out of range.
        """
        if not 0 < min_stddev <= max_stddev:
            raise ValueError(
                "min_stddev must be positive and at most max_stddev, got "
                f"{min_stddev} and {max_stddev}."
            )
        self._min_stddev = min_stddev
        self._max_stddev = max_stddev

    def draw(self, seed: tf.Tensor, batch_size: tf.Tensor | int, shape: Sequence[int]) -> tf.Tensor:
        """Returns standard deviations, float32 ``[B, *shape]``."""
        share = stateless_random.uniform(seed, batch_size, shape)
        return self._min_stddev * (self._max_stddev / self._min_stddev) ** share
