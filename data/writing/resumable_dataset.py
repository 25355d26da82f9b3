"""A dataset folder that is written shard by shard and can be resumed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import pathlib
import tempfile
from typing import Any

from data.errors import DataError
from data.shards import manifest, shard_paths, shard_summary, spec_files
from data.writing import staging_folder
from ibc_agents.core import files

_SETTINGS = ".settings.json"
_RECORD = ".finished-{name}.json"
_WORK = ".work-"


class ResumableDataset:
    """The finished shards of a dataset folder, kept until all are there.

    A context manager. Any process writes shards in `work`; `add` accepts them in any order. If the
    block ends without `publish`, even by a kill, the added shards are available to the next
    `ResumableDataset` of the same folder and settings.

    Args:
        folder: The dataset folder; must be absent or empty.
        settings: Everything that determines the content of the shards, of JSON types.

    Attributes:
        folder: The dataset folder.
        work: An empty folder for unfinished shards.
        finished: The finished shards, by name.

    Raises:
        DataError: If the folder is not empty, another process is writing it, it cannot be written,
            or there are finished shards of other settings.
    """

    def __init__(self, folder: str | os.PathLike, settings: dict[str, Any]) -> None:
        self._staging = staging_folder.StagingFolder(folder)
        self.folder = self._staging.folder
        self.finished: dict[str, shard_summary.ShardSummary] = {}
        try:
            with files.report_disk_errors(self.folder, DataError):
                self.finished = self._read_records()
                self._check_settings(settings)
                self._staging.clear(self._names())
                files.write_json(self._staging.path / _SETTINGS, settings)
                self.work = pathlib.Path(tempfile.mkdtemp(prefix=_WORK, dir=self._staging.path))
        except BaseException:
            self._staging.close(self._names())
            raise

    def __enter__(self) -> ResumableDataset:
        return self

    def __exit__(self, *_: Any) -> None:
        self._staging.close(self._names())

    def add(self, shard: shard_summary.ShardSummary) -> None:
        """Accepts a finished shard, which lies in `work` under its name.

        Raises:
            DataError: If the disk is full.
        """
        name = shard.entry.name
        with files.report_disk_errors(self.folder, DataError):
            for file in (name, name + shard_paths.SPEC_SUFFIX):
                files.move_into_place(self.work / file, self._staging.path / file)
            record = dataclasses.asdict(shard)
            files.write_json(
                self._staging.path / _RECORD.format(name=name),
                {"shard": record, "sha256": _record_hash(record)},
            )
        self.finished[name] = shard

    def publish(self, extra: dict[str, Any]) -> None:
        """Turns the finished shards into the dataset folder.

        Args:
            extra: Metadata for the manifest, of JSON types.

        Raises:
            DataError: If the folder exists by now, or cannot be written.
        """
        in_order = [self.finished[name] for name in sorted(self.finished)]
        manifest.write_manifest(
            self._staging.path, shard_summary.combine_summaries(in_order, extra)
        )
        self._staging.publish()

    def _read_records(self) -> dict[str, shard_summary.ShardSummary]:
        """Returns the finished shards. What is damaged does not count, and is written again."""
        found = {}
        for path in self._staging.path.glob(_RECORD.format(name="*")):
            shard = _read_record(path)
            if shard is not None:
                found[shard.entry.name] = shard
        return found

    def _check_settings(self, settings: dict[str, Any]) -> None:
        """Compares the settings of finished shards with the requested ones."""
        if not self.finished:
            return
        try:
            known = files.read_json(self._staging.path / _SETTINGS)
            if not isinstance(known, dict):
                raise ValueError("not an object")
        except (OSError, ValueError) as error:
            raise DataError(
                f"{self.folder}: an unfinished dataset exists, and its settings cannot be read. "
                f"Remove {self._staging.path} to start again."
            ) from error
        for name in sorted(known.keys() | settings.keys()):
            there, here = known.get(name), settings.get(name)
            if there != here:
                raise DataError(
                    f"{self.folder}: an unfinished dataset exists with {name} {there}, and {here} "
                    f"was requested. Finish it with {there}, or remove {self._staging.path} to "
                    "start again."
                )

    def _names(self) -> set[str]:
        """Returns the names of the files that belong to finished shards."""
        names = {_SETTINGS} if self.finished else set()
        for name in self.finished:
            names |= {name, name + shard_paths.SPEC_SUFFIX, _RECORD.format(name=name)}
        return names


def _read_record(path: pathlib.Path) -> shard_summary.ShardSummary | None:
    """Returns the shard that a record describes; None if the record or a file is damaged."""
    try:
        content = files.read_json(path)
    except (OSError, ValueError):
        return None
    record = content.get("shard") if isinstance(content, dict) else None
    if record is None or content.get("sha256") != _record_hash(record):
        return None
    shard = shard_summary.ShardSummary(**record | {"entry": manifest.ShardEntry(**record["entry"])})
    file = path.with_name(shard.entry.name)
    if path.name != _RECORD.format(name=file.name):
        return None
    try:
        spec_files.read_spec(file)
        return shard if manifest.file_sha256(file) == shard.entry.sha256 else None
    except (OSError, DataError):
        return None


def _record_hash(record: Any) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
