"""The manifest of a dataset folder: counts and hashes that the reader checks."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import pathlib
from typing import Any

from data.errors import DataError
from ibc_agents.core import files

MANIFEST_NAME = "manifest.json"
FORMAT_VERSION = 1
_BLOCK_BYTES = 1 << 20


@dataclasses.dataclass(frozen=True)
class ShardEntry:
    """One shard of a dataset folder.

    Attributes:
        name: File name.
        episodes: Number of episodes.
        frames: Number of frames.
        sha256: SHA-256 (hex) of the file.
    """

    name: str
    episodes: int
    frames: int
    sha256: str


@dataclasses.dataclass(frozen=True)
class Manifest:
    """The content of a dataset folder.

    Attributes:
        dataset_hash: `episodes.combined_hash` of its episodes; it does not depend on how they are
            distributed over shards.
        shards: One entry per shard.
        extra: Metadata of the writer, such as the environment's name and the seed.
        format_version: Version of the manifest's format.
    """

    dataset_hash: str
    shards: tuple[ShardEntry, ...]
    extra: dict[str, Any] = dataclasses.field(default_factory=dict)
    format_version: int = FORMAT_VERSION

    @property
    def num_episodes(self) -> int:
        """Episodes in all shards."""
        return sum(shard.episodes for shard in self.shards)

    @property
    def num_frames(self) -> int:
        """Frames in all shards."""
        return sum(shard.frames for shard in self.shards)


def find_manifest_folder(path: Any) -> str | None:
    """Returns the folder that a path names if it has a manifest.

    Args:
        path: A folder, a shard, a glob, or a list of those. All but a folder give None.
    """
    if not isinstance(path, (str, os.PathLike)):
        return None
    folder = os.path.expanduser(os.fspath(path))
    return folder if os.path.exists(os.path.join(folder, MANIFEST_NAME)) else None


def file_sha256(path: str | os.PathLike) -> str:
    """Returns the SHA-256 (hex) of a file's bytes."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def check_extra(extra: dict[str, Any]) -> None:
    """Raises a DataError unless `extra` consists of JSON types."""
    try:
        json.dumps(extra)
    except (TypeError, ValueError) as error:
        raise DataError(f"the extra metadata of the dataset is not JSON: {error}.") from error


def write_manifest(folder: str | os.PathLike, manifest: Manifest) -> None:
    """Writes the manifest of a dataset folder atomically.

    Raises:
        DataError: If it cannot be written, or `extra` does not consist of JSON types.
    """
    path = pathlib.Path(folder, MANIFEST_NAME)
    check_extra(manifest.extra)
    content = dataclasses.asdict(manifest)
    content |= {"num_episodes": manifest.num_episodes, "num_frames": manifest.num_frames}
    with files.report_disk_errors(path, DataError):
        files.write_json(path, content, sort_keys=True)


def read_manifest(folder: str | os.PathLike) -> Manifest:
    """Reads the manifest of a dataset folder.

    Raises:
        DataError: If it is missing or damaged, or of an unknown version.
    """
    path = pathlib.Path(folder, MANIFEST_NAME)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise DataError(f"{path}: not readable JSON; write the dataset again.") from error
    version = content.get("format_version") if isinstance(content, dict) else None
    if version != FORMAT_VERSION:
        raise DataError(
            f"{path}: format version {version} is unknown, this release reads version "
            f"{FORMAT_VERSION}; use the release that wrote the dataset."
        )
    try:
        shards = tuple(ShardEntry(**entry) for entry in content["shards"])
        return Manifest(content["dataset_hash"], shards, content["extra"], version)
    except (KeyError, TypeError) as error:
        raise DataError(
            f"{path}: an entry is missing or unknown; write the dataset again."
        ) from error
