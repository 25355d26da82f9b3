"""Dropout whose random numbers survive a restart."""

from __future__ import annotations

import tensorflow as tf

from ibc_agents.core import setting_checks
from ibc_agents.networks.layers import random_layer


class Dropout(random_layer.RandomLayer):
    """Sets a share of its inputs to 0 in training, and scales up the rest.

    Keras' own layer draws numbers that are not part of checkpoints; see `random_layer`.

    References:
        Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting",
        2014. https://jmlr.org/papers/v15/srivastava14a.html
    """

    def __init__(self, rate: float):
        """Creates the layer.

        Args:
            rate: Probability of dropping an input, in [0, 1).

        Raises:
            SettingError: If the rate is out of range.
        """
        super().__init__()
        self._rate = setting_checks.check_number(
            "Dropout.rate", rate, setting_checks.FRACTION_BELOW_1
        )

    def _randomized(self, inputs, seed):
        keep = tf.random.stateless_uniform(tf.shape(inputs), seed) >= self._rate
        return tf.where(keep, inputs / (1.0 - self._rate), 0.0)
