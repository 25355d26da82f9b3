"""An opened, checked dataset and its splits."""

from __future__ import annotations

import math
import os
import pathlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tf_agents.trajectories import trajectory

from data.episodes import episode_store, episodes
from data.errors import DataError
from data.shards import manifest, tfrecord

# Decoded episodes up to this size are kept in memory, once for all who use them; a larger dataset
# is read again from the disk at every iteration, which a run does several times.
MEMORY_LIMIT_BYTES = 8 << 30
_HASH_DIGITS = 8


class EpisodeSummary(NamedTuple):
    """What is remembered of an episode that is not kept.

    Attributes:
        content_hash: as `Episode.content_hash`.
        num_frames: L.
        num_windows: frames whose action was executed: each ends one window.
        total_reward: as `Episode.total_reward`.
    """

    content_hash: str
    num_frames: int
    num_windows: int
    total_reward: float


class EpisodeCollection:
    """Episodes that can be iterated any number of times, in one fixed order.

    Args:
        stored: the episodes of all shards, or None to read them again at each iteration.
        shards: where they come from.
        members: the episodes of this collection, by their number in the shards.

    Attributes:
        store: these episodes in memory; None if they are read again at each iteration.
    """

    def __init__(
        self,
        stored: episode_store.EpisodeStore | None,
        shards: Sequence[str],
        members: dict[int, EpisodeSummary],
    ) -> None:
        self.store = None if stored is None else stored.part(list(members))
        self._shards = shards
        self._members = members

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[episodes.Episode]:
        if self.store is not None:
            yield from self.store
        elif self._members:
            for number, episode in enumerate(tfrecord.read_episodes(self._shards)):
                if number in self._members:
                    yield episode

    @property
    def dataset_hash(self) -> str:
        """`episodes.combined_hash` of these episodes, known without reading them again."""
        return episodes.combined_hash(member.content_hash for member in self._members.values())

    @property
    def num_frames(self) -> int:
        """Frames of all episodes."""
        return sum(member.num_frames for member in self._members.values())

    @property
    def num_windows(self) -> int:
        """Windows of all episodes, whatever their length."""
        return sum(member.num_windows for member in self._members.values())


class Demonstrations:
    """A dataset, read and checked once, split into training and validation by whole episodes.

    Use `Demonstrations.open`.

    Attributes:
        name: of the folder, or of the shard where a single one was opened; and what share of it was
            kept, if not all.
        spec: Trajectory of `tf.TensorSpec` of one frame.
        shards: paths of the shards.
        manifest: of the folder; None for foreign data.
        train: the training episodes.
        validation: the others; may be empty.
        dataset_hash: `episodes.combined_hash` of the episodes of both.
        num_frames: frames of the episodes of both.
    """

    def __init__(
        self,
        name: str,
        spec: trajectory.Trajectory,
        shards: list[str],
        dataset_manifest: manifest.Manifest | None,
        stored: episode_store.EpisodeStore | None,
        kept: dict[int, EpisodeSummary],
        validation_fraction: float,
    ) -> None:
        self.name = name
        self.spec = spec
        self.shards = shards
        self.manifest = dataset_manifest
        hashes = [summary.content_hash for summary in kept.values()]
        self.dataset_hash = episodes.combined_hash(hashes)
        self.num_frames = sum(summary.num_frames for summary in kept.values())
        held_out = _validation_hashes(hashes, validation_fraction)
        parts: tuple[dict[int, EpisodeSummary], dict[int, EpisodeSummary]] = ({}, {})
        for number, summary in kept.items():
            parts[summary.content_hash in held_out][number] = summary
        self.train, self.validation = (EpisodeCollection(stored, shards, part) for part in parts)

    @classmethod
    def open(
        cls,
        path: tfrecord.Paths,
        validation_fraction: float = 0.05,
        top_return_fraction: float = 1.0,
    ) -> Demonstrations:
        """Opens a dataset, reading all of it once.

        First the episodes of the highest returns are kept, as many as `top_return_fraction` of all
        rounded up; the others take no part in anything.

        Of those an episode is held out for validation when the first 32 bits of its content hash,
        as a fraction of 2³², are below `validation_fraction`. Of two different episodes or more at
        least one is held out (the one of the smallest hash) unless the fraction is 0, and at least
        one is left to train on (the one of the largest). Equal episodes are never separated.

        Args:
            path: a folder, a shard, a glob, or a list of those.
            validation_fraction: in [0, 1).
            top_return_fraction: in (0, 1].

        Raises:
            DataError: the data is missing, damaged, unusable, or not what its manifest says, or no
                episode is better than another where the better ones are wanted.
        """
        if not 0.0 <= validation_fraction < 1.0:
            raise DataError(f"validation_fraction is {validation_fraction}; it must be in [0, 1).")
        if not 0.0 < top_return_fraction <= 1.0:
            raise DataError(f"top_return_fraction is {top_return_fraction}; it must be in (0, 1].")
        shards = tfrecord.resolve_shards(path)
        folder = manifest.folder_of(path)
        found = None
        if folder is not None:
            found = manifest.read_manifest(folder)
            _check_shards(folder, shards, found)
        spec = tfrecord.read_common_spec(shards)
        stored, summaries = _read_all(shards)
        if found is not None:
            _check_content(path, summaries, found)
        name = _name(path, shards)
        kept = dict(enumerate(summaries))
        if top_return_fraction < 1.0:
            kept = _top_by_return(name, kept, top_return_fraction)
            name += f" with top_return_fraction {top_return_fraction:g}"
        return cls(name, spec, shards, found, stored, kept, validation_fraction)


def _read_all(
    shards: Sequence[str],
) -> tuple[episode_store.EpisodeStore | None, list[EpisodeSummary]]:
    """The episodes (None where they are too large to keep) and a summary of each."""
    filler: episode_store.StoreFiller | None = episode_store.StoreFiller()
    summaries: list[EpisodeSummary] = []
    num_bytes = 0
    for episode in tfrecord.read_episodes(shards):
        num_windows = int(episode.executed.sum())
        summaries.append(
            EpisodeSummary(
                episode.content_hash, episode.num_frames, num_windows, episode.total_reward
            )
        )
        num_bytes += episode.num_bytes
        if num_bytes > MEMORY_LIMIT_BYTES:
            filler = None
        if filler is not None:
            filler.add(episode)
    return None if filler is None else filler.store(), summaries


def _top_by_return(
    name: str, summaries: dict[int, EpisodeSummary], fraction: float
) -> dict[int, EpisodeSummary]:
    """The episodes of the highest returns; of equal returns, those of the smallest hashes."""
    returns = {summary.total_reward for summary in summaries.values()}
    if not all(map(math.isfinite, returns)):
        raise DataError(
            f"{name}: the return of an episode is NaN or infinite; remove that episode, or set "
            "top_return_fraction to 1."
        )
    if len(returns) == 1 < len(summaries):
        raise DataError(
            f"{name}: all {len(summaries)} episodes have the return {returns.pop():.6g}, so that "
            "none is better than another; set top_return_fraction to 1."
        )
    best_first = sorted(
        summaries, key=lambda n: (-summaries[n].total_reward, summaries[n].content_hash)
    )
    chosen = best_first[: math.ceil(fraction * len(summaries))]
    return {number: summaries[number] for number in sorted(chosen)}


def _validation_hashes(hashes: Sequence[str], fraction: float) -> set[str]:
    distinct = sorted(set(hashes))
    if fraction == 0.0 or len(distinct) < 2:
        return set()
    held_out = {h for h in distinct if int(h[:_HASH_DIGITS], 16) / 16**_HASH_DIGITS < fraction}
    return (held_out | {distinct[0]}) - {distinct[-1]}


def _check_content(
    path: tfrecord.Paths, summaries: Sequence[EpisodeSummary], found: manifest.Manifest
) -> None:
    dataset_hash = episodes.combined_hash(summary.content_hash for summary in summaries)
    if found.dataset_hash != dataset_hash:
        raise DataError(
            f"{path}: its content has hash {dataset_hash[:12]} where its "
            f"{manifest.MANIFEST_NAME} says {found.dataset_hash[:12]}: the dataset was changed "
            "or damaged; copy or collect it anew."
        )


def _check_shards(folder: str, shards: Sequence[str], found: manifest.Manifest) -> None:
    present = {os.path.basename(shard) for shard in shards}
    listed = {entry.name for entry in found.shards}
    for name in sorted(listed - present):
        raise DataError(f"{folder}: the shard {name} is missing; copy the whole folder again.")
    for name in sorted(present - listed):
        raise DataError(
            f"{folder}: the shard {name} is not in {manifest.MANIFEST_NAME}; move it elsewhere."
        )


def _name(path: tfrecord.Paths, shards: Sequence[str]) -> str:
    if isinstance(path, (str, os.PathLike)) and os.path.isdir(os.path.expanduser(path)):
        return pathlib.Path(os.path.abspath(os.path.expanduser(path))).name
    if len(shards) == 1:
        return tfrecord.shard_name(shards[0])
    return pathlib.Path(os.path.abspath(shards[0])).parent.name
