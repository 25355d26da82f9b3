"""Noise whose random numbers survive a restart."""

from __future__ import annotations

import tensorflow as tf

from ibc_agents.networks import random_layer


class Noise(random_layer.RandomLayer):
    """Adds normal noise in training, to each number by itself.

    What Keras' own layer draws no checkpoint holds; see `random_layer`.
    """

    def __init__(self, stddev: float, **kwargs):
        """Creates the layer.

        Args:
            stddev: standard deviation of the noise, not negative.
            **kwargs: of the Keras layer.

        Raises:
            ValueError: if the standard deviation is negative.
        """
        super().__init__(**kwargs)
        if not stddev >= 0:
            raise ValueError(f"The noise's standard deviation must not be negative, got {stddev}.")
        self._stddev = stddev

    def _randomized(self, inputs, seed):
        return inputs + tf.random.stateless_normal(tf.shape(inputs), seed, stddev=self._stddev)
