"""Subtraction of the mean color of an image."""

from __future__ import annotations

import gin
import tensorflow as tf

from ibc_agents.networks.layers import float32_layers


@gin.configurable
class ImageCentering(float32_layers.Float32Layer):
    """Subtracts from each image its own mean, channel by channel.

    A uniform background becomes about 0, equal to the padding of convolutions. A soft-argmax after
    the convolutions then learns to locate objects in fewer steps.
    """

    def __init__(self):
        """Creates the layer, which has no settings."""
        super().__init__()

    def call(self, image: tf.Tensor) -> tf.Tensor:
        """Maps float ``[B, H, W, C]`` to the same shape."""
        return image - tf.reduce_mean(image, axis=[1, 2], keepdims=True)
