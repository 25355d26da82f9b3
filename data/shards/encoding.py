"""Encodes frames as records, one episode at a time.

TF-Agents' `example_encoding` encodes one frame at a time, which is several times slower.
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
from data.shards import record_layout

ImageFormat = Literal["raw", "png", "jpeg"]
IMAGE_FORMATS: tuple[ImageFormat, ...] = get_args(ImageFormat)

# Color channels that the formats store and `tf.io.decode_jpeg` restores.
_CHANNELS = {"png": (1, 3, 4), "jpeg": (1, 3)}
# The default of example_encoding.
_JPEG_QUALITY = 95


def check_image_format(spec: trajectory.Trajectory, image_format: str) -> None:
    """Raises a DataError unless the format is known and can store every image of a frame."""
    if image_format not in IMAGE_FORMATS:
        raise DataError(
            f"image_format is {image_format!r}; choose one of {', '.join(IMAGE_FORMATS)}."
        )
    for name, leaf in specs.named_leaves(spec):
        if specs.is_image(leaf) and image_format in _CHANNELS:
            if leaf.shape[-1] not in _CHANNELS[image_format]:
                channels = " or ".join(map(str, _CHANNELS[image_format]))
                raise DataError(
                    f"{name} is uint8 {leaf.shape}, but {image_format} stores images of [height, "
                    f"width, channels] with {channels} channels; use image_format='raw'."
                )


def encode_frames(
    frames: trajectory.Trajectory, spec: trajectory.Trajectory, image_format: ImageFormat
) -> Iterator[bytes]:
    """Yields one serialized example per frame.

    Args:
        frames: Trajectory of NumPy arrays [L, …] that match the spec.
        spec: Trajectory of `tf.TensorSpec` of one frame.
        image_format: How images are stored.
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
    """Returns a leaf's path, the kind of list that stores it, and that list for each frame."""
    kind = record_layout.list_kind(leaf)
    if record_layout.stores_numbers(leaf):
        return name, kind, values.reshape(len(values), -1).tolist()
    if specs.is_image(leaf):
        return name, kind, ([encode_image(image)] for image in values)
    little_endian = values.astype(values.dtype.newbyteorder("<"), copy=False)
    return name, kind, ([row.tobytes()] for row in little_endian)


def _png(image: np.ndarray) -> bytes:
    # On filtered rows run-length encoding compresses as well as a search for repetitions, faster.
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
