"""Convolutional networks from images to feature maps."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TypeAlias

import gin
import tensorflow as tf

from ibc_agents.core import errors, setting_checks
from ibc_agents.networks.layers import float32_layers

# The `dtype` of an image layer.
Precision: TypeAlias = str | tf.keras.mixed_precision.Policy


@gin.configurable
class ConvMaxPool(float32_layers.Float32Layer):
    """Convolutions, each with a ReLU and a 2 × 2 max-pool (paper appendix, pixel pushing)."""

    def __init__(
        self,
        channels: Sequence[int] = (32, 64, 128, 256),
        kernel_size: int = 3,
        dtype: Precision = "float32",
    ):
        """Creates the layers.

        Args:
            channels: Channels of each convolution, positive; the default is published.
            kernel_size: Pixels, height and width of each convolution.
            dtype: "float32", "mixed_bfloat16" or a Keras policy.

        Raises:
            SettingError: If a setting has a wrong type or is out of range.
        """
        super().__init__(dtype=_check_precision("ConvMaxPool", dtype))
        channels = setting_checks.check_integers("ConvMaxPool.channels", channels, minimum=1)
        kernel_size = setting_checks.check_integer(
            "ConvMaxPool.kernel_size", kernel_size, minimum=1
        )
        self._convolutions = [_convolution(self, units, kernel_size) for units in channels]

    def build(self, input_shape):
        """Checks the size of the images.

        Raises:
            ObservationError: If the images are too small for the max-pools.
        """
        _, height, width, _ = input_shape
        smallest = 2 ** len(self._convolutions)
        if min(height, width) < smallest:
            raise errors.ObservationError(
                f"{len(self._convolutions)} max-pools need images of at least "
                f"{smallest} × {smallest} pixels, got {height} × {width}."
            )
        super().build(input_shape)

    def call(self, image: tf.Tensor) -> tf.Tensor:
        """Maps float ``[B, H, W, C]`` to ``[B, ⌊H / 2^n⌋, ⌊W / 2^n⌋, channels[−1]]``."""
        hidden = image
        for convolution in self._convolutions:
            # ReLU and maximum commute; after the maximum the ReLU has a quarter of the work.
            hidden = tf.nn.relu(tf.nn.max_pool2d(convolution(hidden), 2, 2, "VALID"))
        return hidden


@gin.configurable
class ConvStrided(float32_layers.Float32Layer):
    """Strided convolutions with ReLUs between them; the last one is linear.

    With the defaults it costs a fifteenth of the published convolutions. A `SpatialSoftArgmax`
    after it locates objects in a map of this size to a fraction of a pixel.
    """

    def __init__(
        self,
        channels: Sequence[int] = (8, 16, 32),
        strides: Sequence[int] = (2, 2, 1),
        kernel_sizes: Sequence[int] = (5, 3, 3),
        dtype: Precision = "float32",
    ):
        """Creates the layers.

        Args:
            channels: Channels of each convolution, positive.
            strides: Stride of each convolution, positive.
            kernel_sizes: Pixels, height and width of each convolution.
            dtype: "float32", "mixed_bfloat16" or a Keras policy.

        Raises:
            SettingError: If there is no convolution, or not one stride and kernel size for each.
        """
        super().__init__(dtype=_check_precision("ConvStrided", dtype))
        check = functools.partial(setting_checks.check_integers, minimum=1)
        channels = check("ConvStrided.channels", channels)
        strides = check("ConvStrided.strides", strides, length=len(channels))
        kernel_sizes = check("ConvStrided.kernel_sizes", kernel_sizes, length=len(channels))
        self._convolutions = [
            _convolution(self, *sizes)
            for sizes in zip(channels, kernel_sizes, strides, strict=True)
        ]

    def call(self, image: tf.Tensor) -> tf.Tensor:
        """Maps float ``[B, H, W, C]`` to ``[B, h, w, channels[−1]]``; h, w are rounded up."""
        *before, last = self._convolutions
        hidden = image
        for convolution in before:
            hidden = tf.nn.relu(convolution(hidden))
        return last(hidden)


@gin.configurable
class ConvResNet(float32_layers.Float32Layer):
    """Stages of a strided convolution and a pre-activation residual block of two convolutions.

    The convolutional form of `DenseResNet`, linear at its end. The paper names such an encoder
    without its sizes, so the defaults are those of this library.
    """

    def __init__(
        self,
        channels: Sequence[int] = (32, 64, 64),
        strides: Sequence[int] = (2, 2, 1),
        kernel_size: int = 3,
        dtype: Precision = "float32",
    ):
        """Creates the layers.

        Args:
            channels: Channels of each stage, positive.
            strides: Stride of each stage, positive.
            kernel_size: Pixels, height and width of each convolution.
            dtype: "float32", "mixed_bfloat16" or a Keras policy.

        Raises:
            SettingError: If there is no stage, or not one stride for each.
        """
        super().__init__(dtype=_check_precision("ConvResNet", dtype))
        check = functools.partial(setting_checks.check_integers, minimum=1)
        channels = check("ConvResNet.channels", channels)
        strides = check("ConvResNet.strides", strides, length=len(channels))
        kernel_size = setting_checks.check_integer("ConvResNet.kernel_size", kernel_size, minimum=1)
        self._entries = [
            _convolution(self, units, kernel_size, stride)
            for units, stride in zip(channels, strides, strict=True)
        ]
        self._firsts = [_convolution(self, units, kernel_size) for units in channels]
        self._seconds = [_convolution(self, units, kernel_size) for units in channels]

    def call(self, image: tf.Tensor) -> tf.Tensor:
        """Maps float ``[B, H, W, C]`` to ``[B, h, w, channels[−1]]``; h, w are rounded up."""
        hidden = image
        for entry, first, second in zip(self._entries, self._firsts, self._seconds, strict=True):
            hidden = entry(hidden)
            hidden += second(tf.nn.relu(first(tf.nn.relu(hidden))))
        return hidden


def _convolution(
    owner: tf.keras.layers.Layer, channels: int, kernel_size: int, stride: int = 1
) -> tf.keras.layers.Conv2D:
    """Returns a convolution with the dtype policy of its owner instead of the global one."""
    return tf.keras.layers.Conv2D(
        channels, kernel_size, stride, padding="same", dtype=owner.dtype_policy
    )


def _check_precision(owner: str, dtype: Precision) -> Precision:
    """Returns the setting `dtype` of a class.

    Raises:
        SettingError: If it is none of the documented values.
    """
    if isinstance(dtype, tf.keras.mixed_precision.Policy):
        return dtype
    return setting_checks.check_choice(f"{owner}.dtype", dtype, ("float32", "mixed_bfloat16"))
