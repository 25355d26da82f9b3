"""Chunks of the frames of a shard, and the episodes that they contain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory

from data.episodes import Episode
from data.errors import DataError


class FrameChunk(NamedTuple):
    """Consecutive frames of one shard.

    Attributes:
        shard: Path of the shard.
        first_record: Record of the first frame, from 0.
        frames: Trajectory of NumPy arrays [n, …].
    """

    shard: str
    first_record: int
    frames: trajectory.Trajectory


def split_episodes(chunks: Iterable[FrameChunk]) -> Iterator[Episode]:
    """Splits the frames of shards into episodes.

    An episode starts at a FIRST frame and ends before the next one, or at the end of its shard.

    Args:
        chunks: All frames of one shard after another, in order.

    Raises:
        DataError: If a shard does not start with FIRST, a frame after LAST is not FIRST, or a step
            type is none of FIRST, MID, LAST.
    """
    parts: list[_Part] = []
    previous = int(ts.StepType.LAST)
    for chunk in chunks:
        step_type = chunk.frames.step_type
        if chunk.first_record == 0:
            previous = int(ts.StepType.LAST)
        _check_order(chunk, previous)
        previous = int(step_type[-1])
        begin = 0
        for first in np.flatnonzero(step_type == ts.StepType.FIRST):
            if first > begin:
                parts.append(_Part(chunk.frames, slice(begin, first)))
            if parts:
                yield _join(parts)
            parts, begin = [], first
        parts.append(_Part(chunk.frames, slice(begin, len(step_type))))
    if parts:
        yield _join(parts)


def _check_order(chunk: FrameChunk, previous: int) -> None:
    """Raises unless each step type may follow the one before; `previous` precedes the chunk."""
    step_type = chunk.frames.step_type
    before = np.concatenate([[previous], step_type[:-1]])
    unknown = (step_type < ts.StepType.FIRST) | (step_type > ts.StepType.LAST)
    orphan = (before == ts.StepType.LAST) & (step_type != ts.StepType.FIRST)
    bad = np.flatnonzero(unknown | orphan)
    if not bad.size:
        return
    row = bad[0]
    record = chunk.first_record + row
    if unknown[row]:
        problem = f"has step type {step_type[row]}, which is none of FIRST (0), MID (1), LAST (2)"
    elif record == 0:
        problem = "does not start an episode (step type FIRST); a shard must begin with one"
    else:
        problem = "follows the end of an episode (LAST) but does not start a new one (FIRST)"
    raise DataError(f"{chunk.shard}: record {record} {problem}. Write the shard again.")


class _Part(NamedTuple):
    """Rows of a chunk that belong to one episode."""

    frames: trajectory.Trajectory
    rows: slice


def _join(parts: list[_Part]) -> Episode:
    def join(*leaves: np.ndarray) -> np.ndarray:
        # Concatenating copies, so that an episode does not keep its whole chunk in memory.
        return np.concatenate([leaf[part.rows] for leaf, part in zip(leaves, parts)])

    return Episode(tf.nest.map_structure(join, *(part.frames for part in parts)))
