"""Episodes of a dataset that can be iterated repeatedly, from memory or from the disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from data import episodes
from data.shards import shard_reader


class EpisodeSummary(NamedTuple):
    """Properties of an episode without its frames.

    Attributes:
        content_hash: `Episode.content_hash`.
        num_frames: L.
        num_windows: Number of frames whose action was executed. Each is the end of one window.
        total_reward: `Episode.total_reward`.
    """

    content_hash: str
    num_frames: int
    num_windows: int
    total_reward: float

    @classmethod
    def from_episode(cls, episode: episodes.Episode) -> EpisodeSummary:
        """Summarizes an episode."""
        num_windows = int(episode.executed.sum())
        return cls(episode.content_hash, episode.num_frames, num_windows, episode.total_reward)


class EpisodeCollection:
    """Episodes that can be iterated any number of times, in one fixed order.

    Args:
        stored: The episodes of all shards, or None to read the shards at each iteration.
        shards: Paths of the shards.
        members: The episodes of this collection, by their number in the shards.

    Attributes:
        store: These episodes in memory; None if the shards are read at each iteration.
    """

    def __init__(
        self,
        stored: episodes.EpisodeStore | None,
        shards: Sequence[str],
        members: dict[int, EpisodeSummary],
    ) -> None:
        self.store = None if stored is None else stored.subset(list(members))
        self._shards = shards
        self._members = members

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[episodes.Episode]:
        if self.store is not None:
            yield from self.store
        elif self._members:
            for number, episode in enumerate(shard_reader.read_episodes(self._shards)):
                if number in self._members:
                    yield episode

    @property
    def dataset_hash(self) -> str:
        """`episodes.combined_hash` of these episodes, without reading them again."""
        return episodes.combined_hash(member.content_hash for member in self._members.values())

    @property
    def num_frames(self) -> int:
        """Frames of all episodes."""
        return sum(member.num_frames for member in self._members.values())

    @property
    def num_windows(self) -> int:
        """Windows of all episodes, for any window length."""
        return sum(member.num_windows for member in self._members.values())
