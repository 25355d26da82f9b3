"""Episodes in memory that hold each frame once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import trajectory

from data.episodes.episode import Episode


class EpisodeStore:
    """Episodes whose frames are consecutive in one array per leaf.

    Iterating and `subset` give views of `frames`, so the frames are never in memory twice. Use
    `EpisodeStore.from_episodes`, or `EpisodeStoreBuilder` to add episodes one by one.

    Args:
        frames: Trajectory of NumPy arrays [F, …]. They may contain frames of other episodes too.
        starts: First frame of each episode, int64 [E].
        lengths: L of each episode, int64 [E].

    Attributes:
        frames: As given.
        starts: As given.
    """

    def __init__(
        self, frames: trajectory.Trajectory, starts: np.ndarray, lengths: np.ndarray
    ) -> None:
        self.frames = frames
        self.starts = starts
        self._lengths = lengths

    @classmethod
    def from_episodes(cls, episodes: Iterable[Episode]) -> EpisodeStore:
        """Copies episodes of one spec into a new store."""
        builder = EpisodeStoreBuilder()
        for episode in episodes:
            builder.add(episode)
        return builder.build()

    def __len__(self) -> int:
        return len(self.starts)

    def __iter__(self) -> Iterator[Episode]:
        """Yields episodes that are views of `frames`."""
        for start, length in zip(self.starts, self._lengths):
            yield Episode(
                tf.nest.map_structure(
                    lambda leaf, rows=slice(start, start + length): leaf[rows], self.frames
                )
            )

    def subset(self, numbers: Sequence[int]) -> EpisodeStore:
        """Returns the episodes of these numbers, without copying frames."""
        chosen = np.asarray(numbers, np.int64)
        return EpisodeStore(self.frames, self.starts[chosen], self._lengths[chosen])


class EpisodeStoreBuilder:
    """Builds an `EpisodeStore` by appending copies of episodes to growing arrays."""

    def __init__(self) -> None:
        self._structure: trajectory.Trajectory = ()
        self._leaves: list[np.ndarray] = []
        self._lengths: list[int] = []

    def add(self, episode: Episode) -> None:
        """Appends a copy of an episode, which must have the spec of those before."""
        added = tf.nest.flatten(episode.frames)
        if not self._lengths:
            self._structure = episode.frames
            self._leaves = [np.empty((0, *leaf.shape[1:]), leaf.dtype) for leaf in added]
        for leaf, frames in zip(self._leaves, added, strict=True):
            begin = len(leaf)
            # The operating system grows a large array in place or remaps its pages, so there is
            # never a second copy in memory. No view of the array exists before `build`.
            leaf.resize((begin + len(frames), *leaf.shape[1:]), refcheck=False)
            leaf[begin:] = frames
        self._lengths.append(episode.num_frames)

    def build(self) -> EpisodeStore:
        """Returns the store. Nothing can be added afterwards."""
        leaves, self._leaves = self._leaves, []
        ends = np.cumsum([0, *self._lengths])
        frames = tf.nest.pack_sequence_as(self._structure, leaves)
        return EpisodeStore(frames, ends[:-1], np.diff(ends))
