"""Records of `tf.train.Example` -> frames: a batch at a time, and what is wrong with a bad record.

The layout is that of TF-Agents' `example_encoding`: float32 as a float list, int64 as an integer
list, everything else as raw little-endian bytes; images as raw bytes, or as PNG or JPEG, which
`tf.io.decode_jpeg` tells apart by itself.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from google.protobuf import message
from tf_agents.trajectories import trajectory

from data.episodes import specs

_MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")  # JPEG, PNG


class FrameDecoder:
    """Decodes batches of records into frames.

    Args:
        spec: Trajectory of `tf.TensorSpec` of one frame.
        compressed: paths of the image leaves that are stored as PNG or JPEG.
    """

    def __init__(self, spec: trajectory.Trajectory, compressed: frozenset[str]) -> None:
        self._spec = spec
        self._leaves = specs.named_leaves(spec)
        self._compressed = compressed
        self._features = {name: _feature(leaf) for name, leaf in self._leaves}

    def __call__(self, records: tf.Tensor) -> trajectory.Trajectory:
        """Frames of some records.

        Args:
            records: string [n], serialised examples.

        Returns:
            Trajectory of NumPy arrays [n, ...].

        Raises:
            tf.errors.InvalidArgumentError: a record does not match the spec; `explain` tells how.
        """
        return tf.nest.map_structure(lambda leaf: leaf.numpy(), self._decode(records))

    @functools.cached_property
    def _decode(self) -> Callable[[tf.Tensor], trajectory.Trajectory]:
        function = tf.function(self._decode_batch, autograph=False)
        # Traced by hand: tf.function itself warns of a few decoders in one process.
        return function.get_concrete_function(tf.TensorSpec([None], tf.string))

    def explain(self, record: bytes) -> str | None:
        """What is wrong with one record, as a clause; None when it decodes."""
        try:
            features = tf.train.Example.FromString(record).features.feature
        except message.DecodeError:
            return "is not a tf.train.Example"
        for name, leaf in self._leaves:
            if name not in features:
                return f"lacks the leaf {name} that the spec names"
            problem = self._explain_leaf(name, leaf, features[name])
            if problem:
                return f"does not match the spec: {name} {problem}"
        return None

    def _explain_leaf(self, name: str, leaf: tf.TypeSpec, feature: tf.train.Feature) -> str | None:
        wanted = specs.LIST_KINDS.get(leaf.dtype, "bytes_list")
        kind = feature.WhichOneof("kind")
        if kind != wanted:
            return f"is stored as {kind} where {wanted} is expected"
        values = getattr(feature, wanted).value
        size = leaf.shape.num_elements()
        if wanted != "bytes_list":
            if len(values) != size:
                return f"has {len(values)} numbers where the shape {leaf.shape} needs {size}"
        elif len(values) != 1:
            return f"has {len(values)} byte strings where one is expected"
        elif name in self._compressed:
            shape = _image_shape(values[0])
            if shape != tuple(leaf.shape):
                found = shape or "no PNG or JPEG"
                return f"is {found} where a compressed image of shape {leaf.shape} is expected"
        elif len(values[0]) != size * leaf.dtype.size:
            return f"has {len(values[0])} bytes where {size * leaf.dtype.size} are expected"
        return None

    def _decode_batch(self, records: tf.Tensor) -> trajectory.Trajectory:
        parsed = tf.io.parse_example(records, self._features)
        leaves = []
        for name, leaf in self._leaves:
            column = parsed[name]
            if name in self._compressed:
                column = tf.map_fn(tf.io.decode_jpeg, column, fn_output_signature=tf.uint8)
                column = tf.ensure_shape(column, [None, *leaf.shape])
            elif leaf.dtype not in specs.LIST_KINDS:
                column = tf.reshape(tf.io.decode_raw(column, leaf.dtype), [-1, *leaf.shape])
                # A wrong length that happens to divide evenly must not turn into extra rows.
                tf.debugging.assert_equal(tf.shape(column)[0], tf.shape(records)[0])
            leaves.append(column)
        return tf.nest.pack_sequence_as(self._spec, leaves)


def compressed_leaves(spec: trajectory.Trajectory, record: bytes) -> frozenset[str]:
    """Paths of the image leaves that a record stores as PNG or JPEG; none where it is damaged."""
    try:
        features = tf.train.Example.FromString(record).features.feature
    except message.DecodeError:
        return frozenset()
    found = set()
    for name, leaf in specs.named_leaves(spec):
        if not specs.is_image(leaf) or not features[name].bytes_list.value:
            continue
        data = features[name].bytes_list.value[0]
        if not data.startswith(_MAGIC):
            continue
        # Raw pixels may begin like that by chance: they have the exact length and do not decode.
        if len(data) != leaf.shape.num_elements() or _image_shape(data) == tuple(leaf.shape):
            found.add(name)
    return frozenset(found)


def _feature(leaf: tf.TypeSpec) -> tf.io.FixedLenFeature:
    if leaf.dtype in specs.LIST_KINDS:
        return tf.io.FixedLenFeature(leaf.shape, leaf.dtype)
    return tf.io.FixedLenFeature([], tf.string)


def _image_shape(data: bytes) -> tuple[int, ...] | None:
    try:
        return tuple(np.shape(tf.io.decode_jpeg(data)))
    except tf.errors.InvalidArgumentError:
        return None
