"""Batches of windows in the order of the episodes, and checks of their shape."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import trajectory

from data.episodes import Episode
from data.errors import DataError
from ibc_agents.core import windows


def windows_in_order(
    episodes: Iterable[Episode], sequence_length: int, batch_size: int
) -> Iterator[trajectory.Trajectory]:
    """Yields every window of every episode once, in order.

    Each frame with an executed action is the end of one window. At most one batch is in memory.

    Args:
        episodes: The episodes.
        sequence_length: T, at least 1.
        batch_size: B, at least 1. The last batch may be smaller.

    Yields:
        Trajectory of NumPy arrays [B, T, …].

    Raises:
        DataError: If T or B is not positive.
    """
    check_batch_shape(sequence_length, batch_size)
    parts: list[trajectory.Trajectory] = []
    missing = batch_size
    for episode in episodes:
        rows = windows.window_indices(np.flatnonzero(episode.executed), sequence_length)
        while len(rows):
            parts.append(_gather(episode.frames, rows[:missing]))
            missing, rows = missing - len(rows[:missing]), rows[missing:]
            if not missing:
                yield _join(parts)
                parts, missing = [], batch_size
    if parts:
        yield _join(parts)


def check_batch_shape(sequence_length: int, batch_size: int) -> None:
    """Raises a DataError unless T and B are positive."""
    if sequence_length < 1:
        raise DataError(f"the window length is {sequence_length} frames; it must be at least 1.")
    if batch_size < 1:
        raise DataError(f"the batch size is {batch_size}; it must be at least 1.")


def _gather(frames: trajectory.Trajectory, rows: np.ndarray) -> trajectory.Trajectory:
    return tf.nest.map_structure(lambda leaf: leaf[rows], frames)


def _join(parts: list[trajectory.Trajectory]) -> trajectory.Trajectory:
    return tf.nest.map_structure(lambda *leaves: np.concatenate(leaves), *parts)
