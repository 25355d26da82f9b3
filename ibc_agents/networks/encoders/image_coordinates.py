"""Coordinates of pixels, in [−1, 1] over the image."""

from __future__ import annotations

import gin
import numpy as np
import tensorflow as tf

from ibc_agents.networks.layers import float32_layers


def pixel_grid(height: int, width: int) -> np.ndarray:
    """Returns (x, y) of every pixel, float32 ``[height, width, 2]``.

    x grows to the right and y downwards, from −1 at the center of the first pixel to 1 at the
    center of the last. A single row or column is at 0.
    """
    x, y = np.meshgrid(_axis(width), _axis(height))
    return np.stack([x, y], axis=-1).astype(np.float32)


@gin.configurable
class CoordConv(float32_layers.Float32Layer):
    """Adds to an image two channels with the coordinates of each pixel.

    Convolutions are translation invariant; these channels let them depend on the position. The
    paper's explicit convolutional baselines use them.

    References:
        Liu et al., "An Intriguing Failing of Convolutional Neural Networks and the CoordConv
        Solution", 2018. https://arxiv.org/abs/1807.03247
    """

    def __init__(self):
        """Creates the layer, which has no settings."""
        super().__init__()

    def call(self, image: tf.Tensor) -> tf.Tensor:
        """Maps float ``[B, H, W, C]`` to ``[B, H, W, C + 2]``: the image, then x, then y."""
        _, height, width, _ = image.shape
        grid = tf.constant(pixel_grid(height, width), image.dtype)
        grid = tf.broadcast_to(grid, [tf.shape(image)[0], height, width, 2])
        return tf.concat([image, grid], axis=-1)


def _axis(size: int) -> np.ndarray:
    return np.linspace(-1.0, 1.0, size) if size > 1 else np.zeros(1)
