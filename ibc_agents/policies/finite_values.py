"""What a policy does with numbers that are not finite, in a graph.

TensorFlow runs assertions eagerly, in functions and in SavedModels. TensorFlow Lite and XLA remove
them. There, a policy computes with zeros instead, and marks the actions of these rows as NaN.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf
from tf_agents.utils import nest_utils


def check_finite(values: Any, name: str, problem: str) -> Any:
    """Returns a nest of tensors unchanged, and raises an error if a number in it is not finite.

    Args:
        values: Nest of tensors ``[B, …]``.
        name: Name of the nest, for the message.
        problem: What is wrong and how to fix it, for the message after the path of the leaf.

    Raises:
        tf.errors.InvalidArgumentError: If a value is NaN or infinite. The message names the leaf
            and the index of its first such value.
    """
    leaves = _floating_leaves({name: values})
    if not leaves:
        return values
    finite = {path: tf.math.is_finite(leaf) for path, leaf in leaves}
    all_finite = tf.reduce_all([tf.reduce_all(mask) for mask in finite.values()])

    def report() -> tf.Tensor:
        assertions = [
            tf.debugging.Assert(
                tf.reduce_all(finite[path]),
                [f"{path} {problem} Its first such value is", leaf[~finite[path]][:1],
                 "at the index", tf.where(~finite[path])[:1]],
            )
            for path, leaf in leaves
        ]  # fmt: skip
        with tf.control_dependencies([item for item in assertions if item is not None]):
            return tf.constant(False)

    # The report costs time, so it is in a branch.
    checked = tf.cond(all_finite, lambda: tf.constant(True), report)
    with tf.control_dependencies([checked]):
        return tf.nest.map_structure(tf.identity, values)


def finite_rows(values: Any) -> tf.Tensor:
    """Returns which rows of a nest ``[B, …]`` are finite, bool ``[B]``, or one for all rows."""
    masks = [
        tf.reduce_all(tf.math.is_finite(leaf), axis=list(range(1, leaf.shape.rank)))
        for _, leaf in _floating_leaves(values)
    ]
    return tf.reduce_all(masks, axis=0) if masks else tf.constant(True)


def replace_infinite(values: Any) -> Any:
    """Returns a nest of tensors with zeros in place of the numbers that are not finite."""
    return tf.nest.map_structure(
        lambda leaf: (
            tf.where(tf.math.is_finite(leaf), leaf, tf.zeros([], leaf.dtype))
            if leaf.dtype.is_floating
            else leaf
        ),
        values,
    )


def _floating_leaves(nest: Any) -> list[tuple[str, tf.Tensor]]:
    leaves = nest_utils.flatten_with_joined_paths(nest)
    return [(path, leaf) for path, leaf in leaves if leaf.dtype.is_floating]
