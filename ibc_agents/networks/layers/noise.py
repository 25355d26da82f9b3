"""Noise on vectors, in training only."""

from __future__ import annotations

import gin
import tensorflow as tf

from ibc_agents.core import noise_scales, stateless_random
from ibc_agents.networks.layers import random_layer


@gin.configurable
class Noise(random_layer.RandomLayer):
    """Adds normal noise to each vector, with a standard deviation that is drawn for each.

    The following layers then train on states beside those of the demonstrations, which a policy
    reaches by its small errors. The noise also hides dependencies on smaller differences. Standard
    deviations are log-uniform, so small ones keep some of these dependencies visible.
    """

    def __init__(self, min_stddev: float = 0.05, max_stddev: float = 0.05):
        """Creates the layer.

        Args:
            min_stddev: Smallest standard deviation of the noise, positive; for a normalized
                observation in standard deviations of the data.
            max_stddev: Largest standard deviation, at least `min_stddev`.

        Raises:
            SettingError: If a number is out of range.
        """
        super().__init__()
        self._scales = noise_scales.NoiseScales("Noise", min_stddev, max_stddev)

    def _randomized(self, inputs, seed):
        batch_size, shape = tf.shape(inputs)[0], inputs.shape[1:]
        stddev = self._scales.draw(stateless_random.fold_in(seed, 0), batch_size, [1] * len(shape))
        return inputs + stddev * stateless_random.normal(
            stateless_random.fold_in(seed, 1), batch_size, shape
        )
