"""Start-padded windows: which frames the T frames before and at a time step are.

A window of T frames ends at frame `end` of an episode that starts at frame `start`. Frames before
the start do not exist, so the FIRST frame of the episode replaces them:

    frame[k] = max(start, end - (T - 1) + k)    for k = 0 … T - 1

Everything that cuts, repairs or extends windows uses the functions below: sources of training
batches, agents that repair windows of any replay buffer, and policies that remember the last
T - 1 observations.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import time_step as ts


def window_indices(ends: np.ndarray, window: int, starts: np.ndarray | int = 0) -> np.ndarray:
    """Returns the frame numbers of start-padded windows.

    Args:
        ends: Numbers of the newest frames, int64 [M].
        window: T, at least 1.
        starts: Numbers of the FIRST frames of their episodes, int64 [M], or one for all.

    Returns:
        int64 [M, T].

    Examples:
        >>> window_indices(np.array([0, 1, 4]), window=3)
        array([[0, 0, 0],
               [0, 0, 1],
               [2, 3, 4]])
    """
    offsets = np.arange(1 - window, 1)
    return np.maximum(ends[:, None] + offsets, np.reshape(starts, [-1, 1]))


def tf_window_indices(ends: tf.Tensor, window: int, starts: tf.Tensor | int = 0) -> tf.Tensor:
    """Returns what `window_indices` returns, as a TensorFlow operation.

    Args:
        ends: Numbers of the newest frames, int32 or int64 [M].
        window: T, at least 1.
        starts: Numbers of the FIRST frames of their episodes, of the same dtype, [M], or one for
            all.

    Returns:
        [M, T], of the dtype of `ends`.
    """
    offsets = tf.range(1 - window, 1, dtype=ends.dtype)
    starts = tf.cast(starts, ends.dtype)
    return tf.maximum(ends[:, None] + offsets, tf.reshape(starts, [-1, 1]))


def repaired_indices(step_type: tf.Tensor) -> tf.Tensor:
    """Returns the frames that replace those of windows cut without regard to episodes.

    Frames before the newest FIRST of a window belong to an earlier episode; the FIRST frame
    replaces them.

    Args:
        step_type: Step types of consecutive frames, int32 [B, T].

    Returns:
        Positions within each window, int32 [B, T]. Gathering them (`batch_dims=1`) gives
        start-padded windows.

    Examples:
        >>> repaired_indices(tf.constant([[1, 2, 0, 1]])).numpy()
        array([[2, 2, 2, 3]], dtype=int32)
    """
    window = step_type.shape[1]
    positions = tf.range(window)
    newest_first = tf.reduce_max(tf.where(step_type == ts.StepType.FIRST, positions, 0), axis=1)
    return tf_window_indices(tf.constant([window - 1]), window, newest_first)


def append_frame(past: tf.Tensor, newest: tf.Tensor, is_first: tf.Tensor) -> tf.Tensor:
    """Returns the start-padded window that ends at a new frame.

    Args:
        past: The T - 1 frames before, [B, T - 1, …].
        newest: The new frame, [B, 1, …].
        is_first: Whether the new frame is FIRST, bool [B]. It replaces the frames before it.

    Returns:
        [B, T, …].
    """
    past = tf.convert_to_tensor(past)
    condition = tf.reshape(is_first, [-1] + [1] * (past.shape.rank - 1))
    return tf.concat([tf.where(condition, newest, past), newest], axis=1)
