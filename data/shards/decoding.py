"""Decodes batches of records into frames, and describes the problem of a bad record."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from google.protobuf import message
from tf_agents.trajectories import trajectory

from data.episodes import specs
from data.shards import record_layout

_MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")  # JPEG, PNG


class FrameDecoder:
    """Decodes batches of records into frames.

    Args:
        spec: Trajectory of `tf.TensorSpec` of one frame.
        compressed: Paths of the image leaves that are stored as PNG or JPEG.
    """

    def __init__(self, spec: trajectory.Trajectory, compressed: frozenset[str]) -> None:
        self._spec = spec
        self._leaves = specs.named_leaves(spec)
        self._compressed = compressed
        leaves = (tf.TensorSpec(leaf.shape, leaf.dtype) for _, leaf in self._leaves)
        layout = [(name, leaf, name in compressed) for (name, _), leaf in zip(self._leaves, leaves)]
        self._decode = _trace(tuple(layout))

    def __call__(self, records: tf.Tensor) -> trajectory.Trajectory:
        """Decodes a batch of records.

        Args:
            records: Serialized examples, string [n].

        Returns:
            Trajectory of NumPy arrays [n, …].

        Raises:
            tf.errors.InvalidArgumentError: If a record does not match the spec. `find_problem`
                describes the difference.
        """
        leaves = [leaf.numpy() for leaf in self._decode(records)]
        return tf.nest.pack_sequence_as(self._spec, leaves)

    def find_problem(self, record: bytes) -> str | None:
        """Describes how a record differs from the spec, as a clause; None if it matches."""
        try:
            features = tf.train.Example.FromString(record).features.feature
        except message.DecodeError:
            return "is not a tf.train.Example"
        for name, leaf in self._leaves:
            if name not in features:
                return f"lacks the leaf {name} that the spec names"
            problem = self._find_leaf_problem(name, leaf, features[name])
            if problem:
                return f"does not match the spec: {name} {problem}"
        return None

    def _find_leaf_problem(
        self, name: str, leaf: tf.TypeSpec, feature: tf.train.Feature
    ) -> str | None:
        expected = record_layout.list_kind(leaf)
        kind = feature.WhichOneof("kind")
        if kind != expected:
            return f"is stored as {kind}; expected {expected}"
        values = getattr(feature, expected).value
        size = leaf.shape.num_elements()
        if record_layout.stores_numbers(leaf):
            if len(values) != size:
                return f"has {len(values)} numbers; the shape {leaf.shape} needs {size}"
        elif len(values) != 1:
            return f"has {len(values)} byte strings; expected one"
        elif name in self._compressed:
            shape = _image_shape(values[0])
            if shape != tuple(leaf.shape):
                found = f"an image of shape {shape}" if shape else "no PNG or JPEG"
                return f"is {found}; expected a compressed image of shape {leaf.shape}"
        elif len(values[0]) != size * leaf.dtype.size:
            return f"has {len(values[0])} bytes; expected {size * leaf.dtype.size}"
        return None


def compressed_leaves(spec: trajectory.Trajectory, record: bytes) -> frozenset[str]:
    """Returns the paths of the image leaves that a record stores as PNG or JPEG.

    Args:
        spec: Trajectory of `tf.TensorSpec` of one frame.
        record: Serialized example. A damaged one gives an empty set.
    """
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
        # Raw pixels may begin with these bytes by chance; they have the exact length and do not
        # decode as an image.
        if len(data) != leaf.shape.num_elements() or _image_shape(data) == tuple(leaf.shape):
            found.add(name)
    return frozenset(found)


# Tracing takes longer than reading a small dataset, and a process may read many of one layout.
@functools.lru_cache(maxsize=32)
def _trace(
    layout: tuple[tuple[str, tf.TensorSpec, bool], ...],
) -> Callable[[tf.Tensor], list[tf.Tensor]]:
    """Returns the decoder of serialized examples, string [n].

    Args:
        layout: Path and spec of each leaf, and whether it is a PNG or JPEG image.
    """

    def decode(records: tf.Tensor) -> list[tf.Tensor]:
        parsed = tf.io.parse_example(records, {name: _feature(leaf) for name, leaf, _ in layout})
        leaves = []
        for name, leaf, is_compressed in layout:
            column = parsed[name]
            if is_compressed:
                column = tf.map_fn(tf.io.decode_jpeg, column, fn_output_signature=tf.uint8)
                column = tf.ensure_shape(column, [None, *leaf.shape])
            elif not record_layout.stores_numbers(leaf):
                column = tf.reshape(tf.io.decode_raw(column, leaf.dtype), [-1, *leaf.shape])
                # A wrong length that divides evenly must not turn into additional rows.
                tf.debugging.assert_equal(tf.shape(column)[0], tf.shape(records)[0])
            leaves.append(column)
        return leaves

    function = tf.function(decode, autograph=False)
    # Traced explicitly, because tf.function warns about several decoders in one process.
    return function.get_concrete_function(tf.TensorSpec([None], tf.string))


def _feature(leaf: tf.TypeSpec) -> tf.io.FixedLenFeature:
    if record_layout.stores_numbers(leaf):
        return tf.io.FixedLenFeature(leaf.shape, leaf.dtype)
    return tf.io.FixedLenFeature([], tf.string)


def _image_shape(data: bytes) -> tuple[int, ...] | None:
    try:
        return tuple(np.shape(tf.io.decode_jpeg(data)))
    except tf.errors.InvalidArgumentError:
        return None
