"""Chunks of the frames of a shard, and the episodes that they contain."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory

from data.episodes import Episode, step_order
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


@dataclasses.dataclass
class ShardCounts:
    """What a shard contains.

    Attributes:
        episodes: Number of episodes.
        frames: Number of their frames.
        fragment_frames: Number of frames before the first FIRST, which belong to no episode. A
            driver that continues an episode in a new file writes such a fragment.
    """

    episodes: int = 0
    frames: int = 0
    fragment_frames: int = 0


class EpisodeSplitter:
    """Splits the frames of shards into episodes, and counts them.

    An episode starts at a FIRST frame and ends before the next one, or at the end of its shard.
    Frames before the first FIRST of a shard are dropped.

    Attributes:
        counts: What each shard contains, by its path.
    """

    def __init__(self) -> None:
        self.counts: dict[str, ShardCounts] = {}

    def split(self, chunks: Iterable[FrameChunk]) -> Iterator[Episode]:
        """Yields the episodes.

        Args:
            chunks: All frames of one shard after another, in order.

        Raises:
            DataError: If step types are impossible, see `step_order.find_disorder`.
        """
        parts: list[_Part] = []
        previous = step_order.NO_STEP_TYPES
        for chunk in chunks:
            if chunk.first_record == 0:
                yield from self._complete(parts)
                parts, previous = [], step_order.NO_STEP_TYPES
                self.counts[chunk.shard] = ShardCounts()
            step_type, next_step_type = chunk.frames.step_type, chunk.frames.next_step_type
            disorder = step_order.find_disorder(
                step_order.StepTypes(step_type, next_step_type), previous
            )
            if disorder:
                record = chunk.first_record + disorder.row
                raise DataError(
                    f"{chunk.shard}: record {record} {disorder.text}. Write the shard again."
                )
            previous = step_order.StepTypes(step_type[-1:], next_step_type[-1:])
            firsts = np.flatnonzero(step_type == ts.StepType.FIRST).tolist()
            for begin, end in itertools.pairwise([0, *firsts, len(step_type)]):
                if begin == end:
                    continue
                if step_type[begin] == ts.StepType.FIRST:
                    yield from self._complete(parts)
                    parts = []
                parts.append(_Part(chunk.shard, chunk.frames, slice(begin, end)))
        yield from self._complete(parts)

    def _complete(self, parts: list[_Part]) -> Iterator[Episode]:
        """Yields the episode of these parts, unless they are the fragment of one."""
        if not parts:
            return
        counts = self.counts[parts[0].shard]
        num_frames = sum(part.rows.stop - part.rows.start for part in parts)
        if parts[0].frames.step_type[parts[0].rows.start] != ts.StepType.FIRST:
            counts.fragment_frames += num_frames
            return
        counts.episodes += 1
        counts.frames += num_frames
        yield _join(parts)


class _Part(NamedTuple):
    """Rows of a chunk that belong to one episode."""

    shard: str
    frames: trajectory.Trajectory
    rows: slice


def _join(parts: list[_Part]) -> Episode:
    def join(*leaves: np.ndarray) -> np.ndarray:
        # Concatenating copies, so that an episode does not keep its whole chunk in memory.
        return np.concatenate([leaf[part.rows] for leaf, part in zip(leaves, parts)])

    return Episode(tf.nest.map_structure(join, *(part.frames for part in parts)))
