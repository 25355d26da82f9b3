"""Frames as rows of bytes, so that Reverb stores one column instead of one per leaf."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import trajectory

from data.episodes import Episode, specs


class RowLayout:
    """Packs all leaves of a frame except its images into a row of R bytes, and unpacks it.

    The first byte is 1 if the frame's action was executed, and 0 otherwise.

    Args:
        spec: Trajectory of `tf.TensorSpec` of one frame.

    Attributes:
        row_bytes: R.
    """

    def __init__(self, spec: trajectory.Trajectory) -> None:
        self._spec = spec
        self._sizes = [
            leaf.shape.num_elements() * leaf.dtype.size
            for leaf in tf.nest.flatten(spec)
            if not specs.is_image(leaf)
        ]
        self.row_bytes = 1 + sum(self._sizes)

    def pack(self, episode: Episode) -> np.ndarray:
        """Returns the rows of an episode, uint8 [L, R]."""
        columns = [episode.executed.astype(np.uint8)[:, None]]
        for leaf, values in zip(tf.nest.flatten(self._spec), tf.nest.flatten(episode.frames)):
            if not specs.is_image(leaf):
                flat = np.ascontiguousarray(values).reshape(episode.num_frames, -1)
                columns.append(flat.view(np.uint8))
        return np.concatenate(columns, axis=1)

    def executed(self, rows: tf.Tensor) -> tf.Tensor:
        """Returns whether each frame's action was executed.

        Args:
            rows: Uint8 [L, R].

        Returns:
            Bool [L].
        """
        return rows[:, 0] > 0

    def unpack(self, rows: tf.Tensor, images: dict[str, tf.Tensor]) -> trajectory.Trajectory:
        """Returns the frames of rows, in a graph.

        Args:
            rows: Uint8 [B, T, R].
            images: Uint8 [B, T, height, width, channels] by the path of each image leaf.

        Returns:
            Trajectory of tensors [B, T, …].
        """
        parts = iter(tf.split(rows, [1, *self._sizes], axis=-1)[1:])
        outer = tf.shape(rows)[:2]
        leaves = []
        for name, leaf in specs.named_leaves(self._spec):
            if specs.is_image(leaf):
                leaves.append(images[name])
                continue
            # tf.bitcast from uint8 to a wider dtype consumes the last axis.
            item = [leaf.dtype.size] if leaf.dtype.size > 1 else []
            shape = tf.concat([outer, tf.constant([*leaf.shape, *item], tf.int32)], axis=0)
            values = tf.bitcast(tf.reshape(next(parts), shape), leaf.dtype)
            leaves.append(tf.ensure_shape(values, [*rows.shape[:2], *leaf.shape]))
        return tf.nest.pack_sequence_as(self._spec, leaves)
