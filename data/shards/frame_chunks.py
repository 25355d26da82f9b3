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


class _StepTypes(NamedTuple):
    """Step types of consecutive frames, each [n]."""

    step_type: np.ndarray
    next_step_type: np.ndarray


_NO_STEP_TYPES = _StepTypes(np.zeros(0, np.int32), np.zeros(0, np.int32))


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
            DataError: If a step type is none of FIRST, MID, LAST, or does not follow the one
                before it.
        """
        parts: list[_Part] = []
        previous = _NO_STEP_TYPES
        for chunk in chunks:
            if chunk.first_record == 0:
                yield from self._complete(parts)
                parts, previous = [], _NO_STEP_TYPES
                self.counts[chunk.shard] = ShardCounts()
            _check_order(chunk, previous)
            step_type = chunk.frames.step_type
            previous = _StepTypes(step_type[-1:], chunk.frames.next_step_type[-1:])
            firsts = np.flatnonzero(step_type == ts.StepType.FIRST).tolist()
            borders = [0, *firsts, len(step_type)]
            for begin, end in itertools.pairwise(borders):
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


def _check_order(chunk: FrameChunk, previous: _StepTypes) -> None:
    """Raises unless each step type may follow the one before.

    Args:
        chunk: Frames of one shard.
        previous: Step types of the frame before; empty if the shard begins with the chunk.
    """
    for name in ("step_type", "next_step_type"):
        values = getattr(chunk.frames, name)
        unknown = np.flatnonzero((values < ts.StepType.FIRST) | (values > ts.StepType.LAST))
        for row in unknown[:1]:
            problem = f"has {name} {values[row]}, which is none of FIRST (0), MID (1), LAST (2)"
            raise _bad_order(chunk, row, problem)
    steps = np.concatenate([previous.step_type, chunk.frames.step_type])
    expected = np.concatenate([previous.next_step_type, chunk.frames.next_step_type])
    rows = np.arange(len(steps)) - len(previous.step_type)
    # The last frame of an episode may have any next step type: writers differ.
    continues = steps[1:] != ts.StepType.FIRST
    for row in rows[1:][continues & (steps[:-1] == ts.StepType.LAST)][:1]:
        problem = "follows the end of an episode (LAST) but does not start a new one (FIRST)"
        raise _bad_order(chunk, row, problem)
    for row in rows[1:][continues & (steps[1:] != expected[:-1])][:1]:
        problem = (
            f"has step type {chunk.frames.step_type[row]}, which is not the next_step_type of the "
            "record before: records are missing or in another order"
        )
        raise _bad_order(chunk, row, problem)


def _bad_order(chunk: FrameChunk, row: int, problem: str) -> DataError:
    return DataError(
        f"{chunk.shard}: record {chunk.first_record + row} {problem}. Write the shard again."
    )


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
