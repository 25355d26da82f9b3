"""How a record stores the leaves of a frame.

TF-Agents' `example_encoding` stores float32 as a float list, int64 as an integer list, and every
other dtype as raw little-endian bytes. Images are raw bytes, PNG or JPEG; `tf.io.decode_jpeg`
reads the latter two.
"""

from __future__ import annotations

import tensorflow as tf

_LISTS = {tf.float32: "float_list", tf.int64: "int64_list"}


def stores_numbers(leaf: tf.TypeSpec) -> bool:
    """Returns whether a leaf is stored as a list of numbers; otherwise it is stored as bytes."""
    return leaf.dtype in _LISTS


def list_kind(leaf: tf.TypeSpec) -> str:
    """Returns the field of `tf.train.Feature` that stores a leaf.

    Examples:
        >>> list_kind(tf.TensorSpec([3], tf.float32)), list_kind(tf.TensorSpec([], tf.uint8))
        ('float_list', 'bytes_list')
    """
    return _LISTS.get(leaf.dtype, "bytes_list")
