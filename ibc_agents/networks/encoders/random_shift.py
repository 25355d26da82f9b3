"""Random shifts of images, in training only."""

from __future__ import annotations

import gin
import tensorflow as tf

from ibc_agents.networks.layers import random_layer


@gin.configurable
class RandomShift(random_layer.RandomLayer):
    """Shifts each image a few pixels, anew at each call (Yarats et al. 2021, DrQ).

    All frames and cameras of an example are channels of one image, so they move together, and
    motion between frames stays what it was. Edge pixels are repeated.

    The demonstrated action stays as it is: that holds where actions are relative to what is seen
    (a displacement of the effector), not where they are places (a set point), and it blurs where
    things are in vectors observed beside the image. Keep the shift to a few pixels, and leave the
    layer out where its pixels are worth more than the accuracy that the task asks for.
    """

    def __init__(self, pixels: int = 4):
        """Creates the layer.

        Args:
            pixels: the largest shift, in pixels up, down, left and right; at least 1.

        Raises:
            ValueError: if the largest shift is not positive.
        """
        super().__init__()
        if pixels < 1:
            raise ValueError(f"The largest shift must be at least 1 pixel, got {pixels}.")
        self._pixels = pixels

    def _randomized(self, inputs, seed):
        batch_size = tf.shape(inputs)[0]
        _, height, width, channels = inputs.shape
        limits = {"minval": -self._pixels, "maxval": self._pixels + 1, "dtype": tf.int32}
        down, right = tf.unstack(tf.random.stateless_uniform([2, batch_size], seed, **limits))
        rows, columns = _sources(height, down), _sources(width, right)
        places = rows[:, :, None] * width + columns[:, None, :]
        # One gather of whole pixels was the fastest of what was tried, and as fast as on uint8.
        pixels = tf.reshape(inputs, [batch_size, height * width, channels])
        return tf.gather(pixels, places, axis=1, batch_dims=1)


def _sources(size: int, shifts: tf.Tensor) -> tf.Tensor:
    """Returns where each row or column comes from, int32 ``[B, size]``, for shifts ``[B]``."""
    return tf.clip_by_value(tf.range(size) - shifts[:, None], 0, size - 1)
