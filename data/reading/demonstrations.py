"""An opened, checked dataset and its splits."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Sequence

from tf_agents.trajectories import trajectory

from data import episodes
from data.episodes import episode_store
from data.errors import DataError
from data.reading import manifest_checks, splits
from data.reading.episode_collection import EpisodeCollection, EpisodeSummary
from data.shards import manifest, shard_paths, shard_reader

# Decoded episodes up to this size stay in memory, shared by all users. A larger dataset is read
# from the disk at every iteration; a run iterates several times.
MEMORY_LIMIT_BYTES = 8 << 30


class Demonstrations:
    """A dataset that was read and checked once, split by whole episodes.

    Use `Demonstrations.open`.

    Attributes:
        name: Name of the folder, or of the shard if a single one was opened, followed by the kept
            fraction if it is below 1.
        spec: Trajectory of `tf.TensorSpec` of one frame.
        shards: Paths of the shards.
        manifest: Manifest of the folder; None for shards of other writers, and for several paths.
        train: The training episodes.
        validation: The validation episodes; may be empty.
        dataset_hash: `episodes.combined_hash` of the episodes of both splits.
        num_frames: Frames of the episodes of both splits.
        fragments: Number of frames at the start of shards that begin within an episode, by the
            path of the shard. These frames are not part of the dataset.
    """

    def __init__(
        self,
        name: str,
        reader: shard_reader.EpisodeReader,
        dataset_manifest: manifest.Manifest | None,
        stored: episodes.EpisodeStore | None,
        kept: dict[int, EpisodeSummary],
        validation_fraction: float,
    ) -> None:
        self.name = name
        self.spec: trajectory.Trajectory = reader.spec
        self.shards = reader.shards
        self.manifest = dataset_manifest
        counts = reader.counts.items()
        self.fragments = {shard: c.fragment_frames for shard, c in counts if c.fragment_frames}
        hashes = [summary.content_hash for summary in kept.values()]
        self.dataset_hash = episodes.combined_hash(hashes)
        self.num_frames = sum(summary.num_frames for summary in kept.values())
        held_out = splits.validation_hashes(hashes, validation_fraction)
        parts: tuple[dict[int, EpisodeSummary], dict[int, EpisodeSummary]] = ({}, {})
        for number, summary in kept.items():
            parts[summary.content_hash in held_out][number] = summary
        self.train, self.validation = (
            EpisodeCollection(stored, reader.shards, part) for part in parts
        )

    @classmethod
    def open(
        cls,
        path: shard_paths.Paths,
        validation_fraction: float = 0.05,
        top_return_fraction: float = 1.0,
    ) -> Demonstrations:
        """Opens a dataset, reading all of it once.

        First it keeps the episodes of the highest returns, see `splits.keep_top_returns`. Then it
        holds episodes out for validation by their content hash, see `splits.validation_hashes`.

        Args:
            path: A folder, a shard, a glob, or a list of those.
            validation_fraction: Fraction of the kept episodes to hold out, in [0, 1).
            top_return_fraction: Fraction of the episodes to keep, in (0, 1].

        Raises:
            DataError: If the data is missing, damaged or unusable, differs from its manifest, or
                has no episode better than another while `top_return_fraction` is below 1.
        """
        if not 0.0 <= validation_fraction < 1.0:
            raise DataError(f"validation_fraction is {validation_fraction}; it must be in [0, 1).")
        if not 0.0 < top_return_fraction <= 1.0:
            raise DataError(f"top_return_fraction is {top_return_fraction}; it must be in (0, 1].")
        shards = shard_paths.resolve_shards(path)
        manifests = manifest_checks.read_manifests(path)
        for folder, found in manifests.items():
            _reject(folder, manifest_checks.find_file_difference(folder, found))
        reader = shard_reader.EpisodeReader(shards)
        stored, summaries = _read_all(reader)
        hashes = [summary.content_hash for summary in summaries]
        for folder, found in manifests.items():
            difference = manifest_checks.find_content_difference(
                folder, found, reader.counts, hashes
            )
            _reject(folder, difference)
        is_single = isinstance(path, (str, os.PathLike))
        found_manifest = next(iter(manifests.values()), None) if is_single else None
        name = _name(path, shards)
        kept = dict(enumerate(summaries))
        if top_return_fraction < 1.0:
            kept = splits.keep_top_returns(name, kept, top_return_fraction)
            name += f" with top_return_fraction {top_return_fraction:g}"
        return cls(name, reader, found_manifest, stored, kept, validation_fraction)


def _reject(folder: str, difference: str | None) -> None:
    if difference:
        raise DataError(f"{folder}: {difference}.")


def _read_all(
    reader: shard_reader.EpisodeReader,
) -> tuple[episodes.EpisodeStore | None, list[EpisodeSummary]]:
    """Returns the episodes (None if they exceed the memory limit) and their summaries."""
    builder: episode_store.EpisodeStoreBuilder | None = episode_store.EpisodeStoreBuilder()
    summaries: list[EpisodeSummary] = []
    num_bytes = 0
    for episode in reader:
        summaries.append(EpisodeSummary.from_episode(episode))
        num_bytes += episode.num_bytes
        if num_bytes > MEMORY_LIMIT_BYTES:
            builder = None
        if builder is not None:
            builder.add(episode)
    return None if builder is None else builder.build(), summaries


def _name(path: shard_paths.Paths, shards: Sequence[str]) -> str:
    if isinstance(path, (str, os.PathLike)) and os.path.isdir(os.path.expanduser(path)):
        return pathlib.Path(os.path.abspath(os.path.expanduser(path))).name
    if len(shards) == 1:
        return shard_paths.shard_stem(shards[0])
    return pathlib.Path(os.path.abspath(shards[0])).parent.name
