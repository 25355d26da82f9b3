"""Random shifts of images, in training only."""

from __future__ import annotations

import gin
import tensorflow as tf

from ibc_agents.core import setting_checks
from ibc_agents.networks.layers import random_layer


@gin.configurable
class RandomShift(random_layer.RandomLayer):
    """Shifts each image by a few pixels, at random in each call.

    All frames and cameras of an example are channels of one image and move together, so the motion
    between frames is unchanged. Edge pixels are repeated.

    The demonstrated action is unchanged. This is correct if actions are relative to the image (a
    displacement of the effector), and wrong if they are positions (a set point). The shift also
    contradicts vectors that are observed beside the image. Keep it to a few pixels, and omit the
    layer if the task needs an accuracy below its size.

    References:
        Yarats et al., "Mastering Visual Continuous Control: Improved Data-Augmented Reinforcement
        Learning", 2021. https://arxiv.org/abs/2107.09645
    """

    def __init__(self, pixels: int = 4):
        """Creates the layer.

        Args:
            pixels: The largest shift, in pixels up, down, left and right; at least 1.

        Raises:
            SettingError: If the largest shift is not positive.
        """
        super().__init__()
        # Outside of training the layer accepts any shape.
        self.input_spec = tf.keras.layers.InputSpec(ndim=4)
        self._pixels = setting_checks.check_integer("RandomShift.pixels", pixels, minimum=1)

    def _randomized(self, inputs, seed):
        batch_size = tf.shape(inputs)[0]
        _, height, width, channels = inputs.shape
        limits = {"minval": -self._pixels, "maxval": self._pixels + 1, "dtype": tf.int32}
        down, right = tf.unstack(tf.random.stateless_uniform([2, batch_size], seed, **limits))
        rows, columns = _sources(height, down), _sources(width, right)
        places = rows[:, :, None] * width + columns[:, None, :]
        # One gather of whole pixels was the fastest of the forms tried, and as fast as on uint8.
        pixels = tf.reshape(inputs, [batch_size, height * width, channels])
        return tf.gather(pixels, places, axis=1, batch_dims=1)


def _sources(size: int, shifts: tf.Tensor) -> tf.Tensor:
    """Returns the source of each row or column, int32 ``[B, size]``, for shifts ``[B]``."""
    return tf.clip_by_value(tf.range(size) - shifts[:, None], 0, size - 1)
