"""The manifest of a dataset folder: what its writer put there, for the reader to check."""

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
_BLOCK = 1 << 20


@dataclasses.dataclass(frozen=True)
class ShardEntry:
    """One shard: file name, number of episodes and frames, SHA-256 (hex) of the file."""

    name: str
    episodes: int
    frames: int
    sha256: str


@dataclasses.dataclass(frozen=True)
class Manifest:
    """What a dataset folder holds.

    Attributes:
        dataset_hash: `episodes.combined_hash` of its episodes; resharding does not change it.
        shards: one entry a shard.
        extra: what the writer was told to keep, such as the environment's name and seed.
        format_version: of this file.
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


def folder_of(path: Any) -> str | None:
    """The folder that a path names, where it has a manifest; None for shards, globs and lists."""
    if not isinstance(path, (str, os.PathLike)):
        return None
    folder = os.path.expanduser(os.fspath(path))
    return folder if os.path.exists(os.path.join(folder, MANIFEST_NAME)) else None


def file_sha256(path: str | os.PathLike) -> str:
    """SHA-256 (hex) of a file's bytes."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def check_extra(extra: dict[str, Any]) -> None:
    """Raises a DataError unless `extra` is made of JSON types."""
    try:
        json.dumps(extra)
    except (TypeError, ValueError) as error:
        raise DataError(f"the extra metadata of the dataset is not JSON: {error}.") from error


def write_manifest(folder: str | os.PathLike, manifest: Manifest) -> None:
    """Writes the manifest: whole or not at all, and on the disk when this returns.

    Raises:
        DataError: it cannot be written, or `extra` is not made of JSON types.
    """
    path = pathlib.Path(folder, MANIFEST_NAME)
    check_extra(manifest.extra)
    content = dataclasses.asdict(manifest)
    content |= {"num_episodes": manifest.num_episodes, "num_frames": manifest.num_frames}
    with files.report_disk_errors(path, DataError):
        files.write_json(path, content)


def read_manifest(folder: str | os.PathLike) -> Manifest:
    """Reads the manifest of a dataset folder.

    Raises:
        DataError: it is missing, garbled or of an unknown version.
    """
    path = pathlib.Path(folder, MANIFEST_NAME)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise DataError(f"{path}: not readable JSON; write the dataset anew.") from error
    version = content.get("format_version") if isinstance(content, dict) else None
    if version != FORMAT_VERSION:
        raise DataError(
            f"{path}: format version {version} where {FORMAT_VERSION} is known; "
            "use the release that wrote it."
        )
    try:
        shards = tuple(ShardEntry(**entry) for entry in content["shards"])
        return Manifest(content["dataset_hash"], shards, content["extra"], version)
    except (KeyError, TypeError) as error:
        raise DataError(f"{path}: an entry is missing or unknown; write it anew.") from error
