"""Encoder of observations with images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gin
import tensorflow as tf

from ibc_agents.core import errors, setting_checks
from ibc_agents.networks.encoders import convolutions, pooling
from ibc_agents.networks.layers import dense_resnet, float32_layers

# Those of `tf.image.resize`.
_RESIZE_METHODS = (
    "area",
    "bicubic",
    "bilinear",
    "gaussian",
    "lanczos3",
    "lanczos5",
    "mitchellcubic",
    "nearest",
)


@gin.configurable
class PixelEncoder(float32_layers.Float32Layer):
    """Maps images to features by convolutions, and concatenates the observed vectors.

    All frames and all cameras become the channels of one image. It stays uint8 until just before
    the first layer. `image_layers` map it to a vector, which is concatenated with the flattened
    vector observations (such as effector poses). A `head` may follow.

    The published energy for pixels (paper appendix) is this encoder with its defaults, in front of
    an `MlpEnergyNetwork` 1024 × 2. It runs once per observation, and actions enter after its
    code (late fusion).
    """

    def __init__(
        self,
        image_layers: Sequence[tf.keras.layers.Layer] | None = None,
        size: tuple[int, int] | None = None,
        resize_method: str = "bilinear",
        head: tf.keras.layers.Layer | None = None,
    ):
        """Creates the encoder.

        Args:
            image_layers: Applied in turn to float32 ``[B, H, W, channels]`` in [0, 1]; the last one
                returns ``[B, F]``. By default `ConvMaxPool`, then `GlobalAveragePooling`.
            size: (height, width) in pixels that every image is resized to; None keeps their
                sizes.
            resize_method: Method of `tf.image.resize`; "area" is slower and does not skip pixels.
            head: Maps features and vectors, joined, ``[B, ·]`` to the code, for example
                `MlpEncoder` for an explicit baseline; None returns them unchanged.

        Raises:
            SettingError: If a setting has a wrong type or is out of range.
        """
        super().__init__()
        if image_layers is None:
            image_layers = [convolutions.ConvMaxPool(), pooling.GlobalAveragePooling()]
        layer = tf.keras.layers.Layer
        setting_checks.check_instances("PixelEncoder.image_layers", image_layers, layer)
        setting_checks.check_optional_instance("PixelEncoder.head", head, layer)
        self._image_layers = list(image_layers)
        self._size = (
            None
            if size is None
            else setting_checks.check_integers("PixelEncoder.size", size, minimum=1, length=2)
        )
        self._resize_method = setting_checks.check_choice(
            "PixelEncoder.resize_method", resize_method, _RESIZE_METHODS
        )
        self._head = head

    def call(self, observation: Any, training: bool | None = None) -> tf.Tensor:
        """Encodes normalized observations.

        Args:
            observation: Nest of ``[B, T, …]``, images uint8 ``[B, T, H, W, C]``, sizes static.
            training: As in Keras.

        Returns:
            float32 ``[B, C]``.

        Raises:
            ObservationError: If there is no image, if images of different sizes are not resized, or
                if the image layers return no vector.
        """
        images, vectors = split_observation(observation)
        features = self._join_images(images)
        for layer in self._image_layers:
            features = layer(features, training=training)
        if features.shape.rank != 2:
            raise errors.ObservationError(
                f"The image layers return {features.shape}, not a vector for each observation: "
                "end them with a pooling layer."
            )
        if vectors:
            features = tf.concat([features, dense_resnet.flatten_observation(vectors)], axis=-1)
        return features if self._head is None else self._head(features, training=training)

    def _join_images(self, images: list[tf.Tensor]) -> tf.Tensor:
        """Joins uint8 ``[B, T, ·, ·, ·]`` to float32 ``[B, H, W, channels]`` in [0, 1]."""
        sizes = [tuple(image.shape[2:4]) for image in images]
        if self._size is None and len(set(sizes)) > 1:
            raise errors.ObservationError(
                f"The images are of different sizes, {sizes}. Set PixelEncoder.size, to which they "
                "are resized."
            )
        stacked = [tf.cast(stack_frames(self._resize(image)), tf.float32) for image in images]
        return tf.concat(stacked, axis=-1) * (1 / 255)

    def _resize(self, windows: tf.Tensor) -> tf.Tensor:
        _, window, height, width, channels = windows.shape
        if self._size is None or self._size == (height, width):
            return windows
        # One frame at a time: the resizing kernel is several times faster on three channels.
        frames = tf.reshape(windows, [-1, height, width, channels])
        frames = tf.image.resize(frames, self._size, self._resize_method)
        return tf.reshape(frames, [-1, window, *self._size, channels])


def split_observation(observation: Any) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
    """Separates the images of a nest of windows from its vectors.

    Returns:
        Images, uint8 ``[B, T, H, W, C]``, and all other leaves ``[B, T, …]``, in the nest's order.

    Raises:
        ObservationError: If there is no image, or a uint8 leaf is not an image.
    """
    leaves = tf.nest.flatten(observation)
    images = [leaf for leaf in leaves if leaf.dtype == tf.uint8]
    for image in images:
        if image.shape.rank != 5:
            raise errors.ObservationError(
                f"An image window is uint8 [B, T, H, W, C], got {image.shape}."
            )
    if not images:
        raise errors.ObservationError(
            "PixelEncoder takes at least one image, but the observation has vectors only: choose "
            "MlpEncoder."
        )
    return images, [leaf for leaf in leaves if leaf.dtype != tf.uint8]


def stack_frames(windows: tf.Tensor) -> tf.Tensor:
    """Stacks frames as channels, oldest first: ``[B, T, H, W, C]`` to ``[B, H, W, T · C]``."""
    frames = tf.unstack(windows, axis=1)
    return frames[0] if len(frames) == 1 else tf.concat(frames, axis=-1)
