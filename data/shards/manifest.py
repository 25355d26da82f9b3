"""The manifest of a dataset folder: counts and hashes that the reader checks."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import pathlib
import re
from typing import Any

from data.errors import DataError
from ibc_agents.core import files

MANIFEST_NAME = "manifest.json"
FORMAT_VERSION = 1
_SHA256 = re.compile("[0-9a-f]{64}")


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


def file_sha256(path: str | os.PathLike) -> str:
    """Returns the SHA-256 (hex) of a regular file's bytes.

    Raises:
        OSError: If it cannot be read.
    """
    with files.open_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
        content = files.read_json(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise DataError(f"{path}: not readable JSON; write the dataset again.") from error
    version = content.get("format_version") if isinstance(content, dict) else None
    if type(version) is not int or version != FORMAT_VERSION:
        raise DataError(
            f"{path}: format version {version!r:.40} is unknown, this release reads version "
            f"{FORMAT_VERSION}; use the release that wrote the dataset."
        )
    try:
        return _parse(content)
    except KeyError as error:
        raise DataError(f"{path}: {error} is missing; write the dataset again.") from error
    except ValueError as error:
        raise DataError(f"{path}: {error}; write the dataset again.") from error


def _parse(content: dict[str, Any]) -> Manifest:
    """Returns the manifest that a JSON object describes.

    Raises:
        KeyError: If a value is missing.
        ValueError: If a value is not possible. The message is a clause.
    """
    shards = _typed(content, "shards", list)
    manifest = Manifest(
        _sha256(content, "dataset_hash"),
        tuple(_parse_entry(entry) for entry in shards),
        _typed(content, "extra", dict),
    )
    names = {entry.name for entry in manifest.shards}
    if len(names) != len(shards):
        raise ValueError("shards names a file twice")
    for name in ("num_episodes", "num_frames"):
        if _typed(content, name, int) != getattr(manifest, name):
            raise ValueError(f"{name} is not the sum over the shards")
    return manifest


def _parse_entry(entry: Any) -> ShardEntry:
    if not isinstance(entry, dict):
        raise ValueError("an entry of shards is no object")
    name = _typed(entry, "name", str)
    episodes, frames = (_typed(entry, key, int) for key in ("episodes", "frames"))
    if os.path.basename(name) != name or not name:
        raise ValueError(f"the shard {name!r:.40} is no file name")
    if not 0 <= episodes <= frames:
        raise ValueError(f"the shard {name!r:.40} has {episodes} episodes of {frames} frames")
    return ShardEntry(name, episodes, frames, _sha256(entry, "sha256"))


def _typed(content: dict[str, Any], name: str, kind: type) -> Any:
    value = content[name]
    if type(value) is not kind:
        raise ValueError(f"{name} is {value!r:.40}, not of type {kind.__name__}")
    return value


def _sha256(content: dict[str, Any], name: str) -> str:
    value = _typed(content, name, str)
    if not _SHA256.fullmatch(value):
        raise ValueError(f"{name} is {value!r:.40}, not a SHA-256")
    return value
