"""Windows of T frames out of an episode.

Each frame whose action was executed is the end of exactly one window; before the episode's start
the first frame is repeated. Windows never cross an episode.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import trajectory

from data.episodes import episodes
from data.errors import DataError


def window_indices(num_frames: int, executed: np.ndarray, sequence_length: int) -> np.ndarray:
    """Frame numbers of every window of an episode.

    Args:
        num_frames: L.
        executed: bool [L], whether a frame's action was executed.
        sequence_length: T, at least 1.

    Returns:
        int64 [number of executed frames, T], windows in the order of their last frames.

    Raises:
        DataError: T is not positive, or `executed` is not [L].
    """
    check_sequence_length(sequence_length)
    if np.shape(executed) != (num_frames,):
        raise DataError(f"executed has shape {np.shape(executed)}, not ({num_frames},)")
    ends = np.flatnonzero(executed)
    return np.maximum(ends[:, None] + np.arange(1 - sequence_length, 1), 0)


def tf_window_indices(executed: tf.Tensor, sequence_length: int) -> tf.Tensor:
    """`window_indices` in a graph.

    Args:
        executed: bool [L].
        sequence_length: T, at least 1.

    Returns:
        int64 [number of executed frames, T].
    """
    offsets = tf.range(1 - sequence_length, 1, dtype=tf.int64)
    return tf.maximum(tf.where(executed) + offsets, tf.zeros([], tf.int64))


def windows_in_order(
    loaded: Iterable[episodes.Episode], sequence_length: int, batch_size: int
) -> Iterator[trajectory.Trajectory]:
    """All windows of all episodes, once, in order; at most a batch of them is in memory.

    Args:
        loaded: the episodes.
        sequence_length: T, at least 1.
        batch_size: B, at least 1; the last batch may be smaller.

    Yields:
        Trajectory of NumPy arrays [B, T, ...].

    Raises:
        DataError: T or B is not positive.
    """
    check_sequence_length(sequence_length)
    check_batch_size(batch_size)
    parts: list[trajectory.Trajectory] = []
    missing = batch_size
    for episode in loaded:
        rows = window_indices(episode.num_frames, episode.executed, sequence_length)
        while len(rows):
            parts.append(_gather(episode.frames, rows[:missing]))
            missing, rows = missing - len(rows[:missing]), rows[missing:]
            if not missing:
                yield _join(parts)
                parts, missing = [], batch_size
    if parts:
        yield _join(parts)


def check_sequence_length(sequence_length: int) -> None:
    """Raises a DataError unless T is positive."""
    if sequence_length < 1:
        raise DataError(f"the window has {sequence_length} frames; it needs at least 1.")


def check_batch_size(batch_size: int) -> None:
    """Raises a DataError unless B is positive."""
    if batch_size < 1:
        raise DataError(f"the batch size is {batch_size}; it must be at least 1.")


def _gather(frames: trajectory.Trajectory, rows: np.ndarray) -> trajectory.Trajectory:
    return tf.nest.map_structure(lambda leaf: leaf[rows], frames)


def _join(parts: list[trajectory.Trajectory]) -> trajectory.Trajectory:
    return tf.nest.map_structure(lambda *leaves: np.concatenate(leaves), *parts)
