"""Dropout whose random numbers survive a restart."""

from __future__ import annotations

import tensorflow as tf

from ibc_agents.networks.layers import random_layer


class Dropout(random_layer.RandomLayer):
    """Sets a share of its inputs to 0 in training, and scales up the rest (Srivastava et al. 2014).

    What Keras' own layer draws no checkpoint holds; see `random_layer`.
    """

    def __init__(self, rate: float):
        """Creates the layer.

        Args:
            rate: probability of being dropped, in [0, 1).

        Raises:
            ValueError: if the rate is out of range.
        """
        super().__init__()
        if not 0 <= rate < 1:
            raise ValueError(f"The dropout rate must be in [0, 1), got {rate}.")
        self._rate = rate

    def _randomized(self, inputs, seed):
        keep = tf.random.stateless_uniform(tf.shape(inputs), seed) >= self._rate
        return tf.where(keep, inputs / (1.0 - self._rate), 0.0)
