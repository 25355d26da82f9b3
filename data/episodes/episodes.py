"""Episodes: the unit of demonstrations, of splits and of hashes."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory

from data.errors import DataError


@dataclasses.dataclass(frozen=True, eq=False)
class Episode:
    """One episode of L frames.

    Attributes:
        frames: Trajectory of NumPy arrays [L, ...], in the environment's own units.

    Raises:
        DataError: the episode is empty, or its leaves disagree on L.
    """

    frames: trajectory.Trajectory

    def __post_init__(self) -> None:
        lengths = {len(leaf) for leaf in tf.nest.flatten(self.frames)}
        if len(lengths) != 1 or 0 in lengths:
            raise DataError(f"an episode needs leaves of one length, not {sorted(lengths)}")

    @property
    def num_frames(self) -> int:
        """L."""
        return len(self.frames.step_type)

    @property
    def num_bytes(self) -> int:
        """Bytes of memory that the frames take."""
        return sum(leaf.nbytes for leaf in tf.nest.flatten(self.frames))

    @property
    def executed(self) -> np.ndarray:
        """Bool [L]: False where the step type is LAST: that frame's action was never executed."""
        return self.frames.step_type != ts.StepType.LAST

    @property
    def total_reward(self) -> float:
        """The return without discount: the rewards of all executed actions, summed in float64."""
        rewards = tf.nest.flatten(self.frames.reward)
        return float(sum(np.sum(leaf[self.executed], dtype=np.float64) for leaf in rewards))

    @functools.cached_property
    def content_hash(self) -> str:
        """SHA-256 (hex) over dtype, shape and bytes of every leaf, in nest order."""
        digest = hashlib.sha256()
        for leaf in tf.nest.flatten(self.frames):
            digest.update(f"{leaf.dtype.name}{leaf.shape}".encode())
            digest.update(np.ascontiguousarray(leaf).data)
        return digest.hexdigest()


def combined_hash(content_hashes: Iterable[str]) -> str:
    """SHA-256 (hex) of a set of episodes: the same however they are ordered or sharded."""
    return hashlib.sha256("\n".join(sorted(content_hashes)).encode()).hexdigest()


class FrameChunk(NamedTuple):
    """Consecutive frames of one shard.

    Attributes:
        shard: path of the shard.
        first_record: number of the first frame's record, from 0.
        frames: Trajectory of NumPy arrays [n, ...].
    """

    shard: str
    first_record: int
    frames: trajectory.Trajectory


def cut_episodes(chunks: Iterable[FrameChunk]) -> Iterator[Episode]:
    """Cuts the frames of shards into episodes.

    An episode starts at a FIRST frame and ends before the next one, or where its shard ends.

    Args:
        chunks: all the frames of one shard after another, in order.

    Raises:
        DataError: a shard does not start with FIRST, a frame after LAST is not FIRST, or a step
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
    """Raises unless every frame may follow the one before; `previous` precedes the chunk."""
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
    raise DataError(f"{chunk.shard}: record {record} {problem}; write the shard anew.")


class _Part(NamedTuple):
    """Rows of a chunk that belong to one episode."""

    frames: trajectory.Trajectory
    rows: slice


def _join(parts: list[_Part]) -> Episode:
    def join(*leaves: np.ndarray) -> np.ndarray:
        # Concatenating copies, so that an episode does not keep its whole chunk in memory.
        return np.concatenate([leaf[part.rows] for leaf, part in zip(leaves, parts)])

    return Episode(tf.nest.map_structure(join, *(part.frames for part in parts)))
