"""Episodes in memory, each frame once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import trajectory

from data.episodes import episodes


class EpisodeStore:
    """Episodes whose frames lie one after another, in one array a leaf.

    Whoever iterates, takes a part of it or gathers from `frames` gets views or copies of single
    windows: nobody needs the frames, which may be most of the memory, a second time. Filled by
    `StoreFiller`.

    Args:
        frames: Trajectory of NumPy arrays [all frames, ...]; of more episodes than these, perhaps.
        starts: int64 [E], where each episode begins.
        lengths: int64 [E], L of each.

    Attributes:
        frames: as given.
        starts: as given.
    """

    def __init__(
        self, frames: trajectory.Trajectory, starts: np.ndarray, lengths: np.ndarray
    ) -> None:
        self.frames = frames
        self.starts = starts
        self._lengths = lengths

    def __len__(self) -> int:
        return len(self.starts)

    def __iter__(self) -> Iterator[episodes.Episode]:
        """Yields episodes that are views of `frames`."""
        for start, length in zip(self.starts, self._lengths):
            yield episodes.Episode(
                tf.nest.map_structure(
                    lambda leaf, rows=slice(start, start + length): leaf[rows], self.frames
                )
            )

    def part(self, numbers: Sequence[int]) -> EpisodeStore:
        """The episodes of these numbers, without a copy of their frames."""
        chosen = np.asarray(numbers, np.int64)
        return EpisodeStore(self.frames, self.starts[chosen], self._lengths[chosen])


class StoreFiller:
    """Copies episodes, which may be forgotten then, to the end of growing arrays."""

    def __init__(self) -> None:
        self._structure: trajectory.Trajectory = ()
        self._leaves: list[np.ndarray] = []
        self._lengths: list[int] = []

    def add(self, episode: episodes.Episode) -> None:
        """Adds an episode of the same spec as those before."""
        added = tf.nest.flatten(episode.frames)
        if not self._lengths:
            self._structure = episode.frames
            self._leaves = [np.empty((0, *leaf.shape[1:]), leaf.dtype) for leaf in added]
        for leaf, frames in zip(self._leaves, added, strict=True):
            begin = len(leaf)
            # The system grows a large array where it is, or moves its pages: no copy is made, and
            # no second array is ever in memory. Nobody else has seen this one yet.
            leaf.resize((begin + len(frames), *leaf.shape[1:]), refcheck=False)
            leaf[begin:] = frames
        self._lengths.append(episode.num_frames)

    def store(self) -> EpisodeStore:
        """The filled store; nothing can be added afterwards."""
        leaves, self._leaves = self._leaves, []
        ends = np.cumsum([0, *self._lengths])
        frames = tf.nest.pack_sequence_as(self._structure, leaves)
        return EpisodeStore(frames, ends[:-1], np.diff(ends))


def store_of(loaded: Iterable[episodes.Episode]) -> EpisodeStore:
    """A store of these episodes."""
    filler = StoreFiller()
    for episode in loaded:
        filler.add(episode)
    return filler.store()
