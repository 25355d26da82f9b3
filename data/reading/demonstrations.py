"""An opened, checked dataset and its splits."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Sequence

from tf_agents.trajectories import trajectory

from data import episodes
from data.episodes import episode_store
from data.errors import DataError
from data.reading import splits
from data.reading.episode_collection import EpisodeCollection, EpisodeSummary
from data.shards import manifest, shard_paths, shard_reader, spec_files

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
        manifest: Manifest of the folder; None for shards of other writers.
        train: The training episodes.
        validation: The validation episodes; may be empty.
        dataset_hash: `episodes.combined_hash` of the episodes of both splits.
        num_frames: Frames of the episodes of both splits.
    """

    def __init__(
        self,
        name: str,
        spec: trajectory.Trajectory,
        shards: list[str],
        dataset_manifest: manifest.Manifest | None,
        stored: episodes.EpisodeStore | None,
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
        held_out = splits.validation_hashes(hashes, validation_fraction)
        parts: tuple[dict[int, EpisodeSummary], dict[int, EpisodeSummary]] = ({}, {})
        for number, summary in kept.items():
            parts[summary.content_hash in held_out][number] = summary
        self.train, self.validation = (EpisodeCollection(stored, shards, part) for part in parts)

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
        folder = manifest.find_manifest_folder(path)
        found = None
        if folder is not None:
            found = manifest.read_manifest(folder)
            _check_shards(folder, shards, found)
        spec = spec_files.read_common_spec(shards)
        stored, summaries = _read_all(shards)
        if found is not None:
            _check_content(path, summaries, found)
        name = _name(path, shards)
        kept = dict(enumerate(summaries))
        if top_return_fraction < 1.0:
            kept = splits.keep_top_returns(name, kept, top_return_fraction)
            name += f" with top_return_fraction {top_return_fraction:g}"
        return cls(name, spec, shards, found, stored, kept, validation_fraction)


def _read_all(shards: Sequence[str]) -> tuple[episodes.EpisodeStore | None, list[EpisodeSummary]]:
    """Returns the episodes (None if they exceed the memory limit) and their summaries."""
    builder: episode_store.EpisodeStoreBuilder | None = episode_store.EpisodeStoreBuilder()
    summaries: list[EpisodeSummary] = []
    num_bytes = 0
    for episode in shard_reader.read_episodes(shards):
        summaries.append(EpisodeSummary.from_episode(episode))
        num_bytes += episode.num_bytes
        if num_bytes > MEMORY_LIMIT_BYTES:
            builder = None
        if builder is not None:
            builder.add(episode)
    return None if builder is None else builder.build(), summaries


def _check_content(
    path: shard_paths.Paths, summaries: Sequence[EpisodeSummary], found: manifest.Manifest
) -> None:
    dataset_hash = episodes.combined_hash(summary.content_hash for summary in summaries)
    if found.dataset_hash != dataset_hash:
        raise DataError(
            f"{path}: its content has hash {dataset_hash[:12]}, its {manifest.MANIFEST_NAME} says "
            f"{found.dataset_hash[:12]}: the dataset was changed or damaged. Copy or collect it "
            "again."
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


def _name(path: shard_paths.Paths, shards: Sequence[str]) -> str:
    if isinstance(path, (str, os.PathLike)) and os.path.isdir(os.path.expanduser(path)):
        return pathlib.Path(os.path.abspath(os.path.expanduser(path))).name
    if len(shards) == 1:
        return shard_paths.shard_stem(shards[0])
    return pathlib.Path(os.path.abspath(shards[0])).parent.name
