"""Frames -> records of `tf.train.Example`, in the layout of TF-Agents' `example_encoding`.

An episode at a time, which is several times faster than that module's frame at a time.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Literal, get_args

import numpy as np
import tensorflow as tf
from PIL import Image
from tf_agents.trajectories import trajectory

from data.episodes import specs
from data.errors import DataError

ImageFormat = Literal["raw", "png", "jpeg"]
IMAGE_FORMATS: tuple[ImageFormat, ...] = get_args(ImageFormat)

# Colour channels that the formats know, and that `tf.io.decode_jpeg` gives back.
_CHANNELS = {"png": (1, 3, 4), "jpeg": (1, 3)}
# Of example_encoding's default; its images read the same.
_JPEG_QUALITY = 95


def check_image_format(spec: trajectory.Trajectory, image_format: str) -> None:
    """Raises a DataError unless the format is known and can hold every image of a frame."""
    if image_format not in IMAGE_FORMATS:
        raise DataError(
            f"image_format is {image_format!r}; choose one of {', '.join(IMAGE_FORMATS)}."
        )
    for name, leaf in specs.named_leaves(spec):
        if specs.is_image(leaf) and image_format in _CHANNELS:
            if leaf.shape[-1] not in _CHANNELS[image_format]:
                raise DataError(
                    f"{name} has {leaf.shape[-1]} channels, which {image_format} cannot hold; "
                    "use image_format='raw'."
                )


def encode_frames(
    frames: trajectory.Trajectory, spec: trajectory.Trajectory, image_format: ImageFormat
) -> Iterator[bytes]:
    """Yields one serialised example a frame.

    Args:
        frames: Trajectory of NumPy arrays [L, ...] that match the spec.
        spec: Trajectory of `tf.TensorSpec` of one frame.
        image_format: how images are stored.
    """
    columns = [
        _column(name, leaf, values, _IMAGE_ENCODERS[image_format])
        for (name, leaf), values in zip(specs.named_leaves(spec), tf.nest.flatten(frames))
    ]
    for row in zip(*(rows for _, _, rows in columns)):
        example = tf.train.Example()
        feature = example.features.feature
        for (name, kind, _), values in zip(columns, row):
            getattr(feature[name], kind).value.extend(values)
        yield example.SerializeToString(deterministic=True)


def _column(
    name: str,
    leaf: tf.TypeSpec,
    values: np.ndarray,
    encode_image: Callable[[np.ndarray], bytes],
) -> tuple[str, str, Any]:
    """A leaf's path, the kind of list that stores it, and that list's content frame by frame."""
    kind = specs.LIST_KINDS.get(leaf.dtype)
    if kind:
        return name, kind, values.reshape(len(values), -1).tolist()
    if specs.is_image(leaf):
        return name, "bytes_list", ([encode_image(image)] for image in values)
    little_endian = values.astype(values.dtype.newbyteorder("<"), copy=False)
    return name, "bytes_list", ([row.tobytes()] for row in little_endian)


def _png(image: np.ndarray) -> bytes:
    # On filtered rows run lengths are as good as a search for repetitions, and cheaper.
    return _encode(image, format="png", compress_level=1, compress_type=zlib.Z_RLE)


def _jpeg(image: np.ndarray) -> bytes:
    return _encode(image, format="jpeg", quality=_JPEG_QUALITY)


def _encode(image: np.ndarray, **options: Any) -> bytes:
    output = io.BytesIO()
    pixels = image[:, :, 0] if image.shape[-1] == 1 else image
    Image.fromarray(pixels).save(output, **options)
    return output.getvalue()


_IMAGE_ENCODERS: dict[str, Callable[[np.ndarray], bytes]] = {
    "raw": np.ndarray.tobytes,
    "png": _png,
    "jpeg": _jpeg,
}
