"""An encoder without variables: the flattened observation."""

from __future__ import annotations

import math
from typing import Any

import gin
import tensorflow as tf

from ibc_agents.core import setting_checks
from ibc_agents.networks.layers import dense_resnet, float32_layers


@gin.configurable
class FlatEncoder(float32_layers.Float32Layer):
    """Flattens the window into one vector; images are downscaled first.

    The weights make distances meaningful. One unit of squared distance is a vector element that
    differs by one standard deviation in one frame, or an image whose pixels (in [0, 1]) differ by
    1 / `image_weight`, root mean square, in one frame.
    """

    def __init__(
        self, height: int = 12, width: int = 16, image_weight: float = 10.0, name: str | None = None
    ):
        """Creates the encoder.

        Args:
            height: Height of downscaled images, in pixels, positive; smaller images are unchanged.
            width: Width of downscaled images, in pixels, positive.
            image_weight: Positive. No effect if all leaves are images.
            name: Name of the layer.

        Raises:
            SettingError: If a setting has a wrong type or is out of range.
        """
        super().__init__(
            name=None if name is None else setting_checks.check_name("FlatEncoder.name", name)
        )
        self._size = (
            setting_checks.check_integer("FlatEncoder.height", height, minimum=1),
            setting_checks.check_integer("FlatEncoder.width", width, minimum=1),
        )
        self._image_weight = setting_checks.check_number(
            "FlatEncoder.image_weight", image_weight, setting_checks.POSITIVE
        )

    def call(self, observation: Any) -> tf.Tensor:
        """Maps a nest of normalized windows, leaves ``[B, T, …]``, to float32 ``[B, size]``."""
        parts = [
            self._shrink(leaf) if leaf.dtype == tf.uint8 else dense_resnet.flatten_observation(leaf)
            for leaf in tf.nest.flatten(observation)
        ]
        return tf.concat(parts, axis=-1)

    def _shrink(self, frames: tf.Tensor) -> tf.Tensor:
        """Maps uint8 ``[B, T, height, width, channels]`` to float32 ``[B, size]``."""
        window, *shape = frames.shape[1:].as_list()
        size = [min(side, most) for side, most in zip(shape, self._size)]
        # Averages over areas, so that small objects are not skipped.
        small = tf.image.resize(tf.reshape(frames, [-1, *shape]), size, method="area")
        pixels = math.prod(size) * shape[-1]
        weighted = small * (self._image_weight / (255.0 * math.sqrt(pixels)))
        return tf.reshape(weighted, [tf.shape(frames)[0], window * pixels])
