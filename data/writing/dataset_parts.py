"""A dataset folder that grows shard by shard, and goes on from what is finished."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import tempfile
from typing import Any

from data.errors import DataError
from data.shards import manifest, shard_writer, tfrecord
from data.writing import staging
from ibc_agents.core import files

_SETTINGS = ".settings.json"
_RECORD = ".finished-{name}.json"
_WORK = ".work-"


class DatasetParts:
    """The finished shards of a dataset folder, kept until all are there.

    A context manager. Shards are written in `work`, by any process, and taken over by `add` in any
    order. When the block ends without `publish`, for whatever reason, a kill included, those that
    were added are there for the next one of the same folder and settings.

    Args:
        folder: the dataset folder; must not exist yet, or be empty.
        settings: whatever decides what the shards hold, of JSON types.

    Attributes:
        folder: the dataset folder.
        work: an empty folder for shards in the making.
        finished: the shards that are there, by name.

    Raises:
        DataError: the folder holds something, another process is writing it, it cannot be written,
            or there are finished shards of other settings.
    """

    def __init__(self, folder: str | os.PathLike, settings: dict[str, Any]) -> None:
        self._staging = staging.StagingFolder(folder)
        self.folder = self._staging.folder
        self.finished: dict[str, shard_writer.Shard] = {}
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

    def __enter__(self) -> DatasetParts:
        return self

    def __exit__(self, *_: Any) -> None:
        self._staging.close(self._names())

    def add(self, shard: shard_writer.Shard) -> None:
        """Takes over a shard, which is in `work` under its name, as finished.

        Raises:
            DataError: the disk is full.
        """
        name = shard.entry.name
        with files.report_disk_errors(self.folder, DataError):
            for file in (name, name + tfrecord.SPEC_SUFFIX):
                os.replace(self.work / file, self._staging.path / file)
            files.write_json(
                self._staging.path / _RECORD.format(name=name), dataclasses.asdict(shard)
            )
        self.finished[name] = shard

    def publish(self, extra: dict[str, Any]) -> None:
        """Makes the finished shards the dataset folder, with `extra` in its manifest.

        Raises:
            DataError: there is such a folder by now, or it cannot be written.
        """
        in_order = [self.finished[name] for name in sorted(self.finished)]
        manifest.write_manifest(self._staging.path, shard_writer.combine(in_order, extra))
        self._staging.publish()

    def _read_records(self) -> dict[str, shard_writer.Shard]:
        found = {}
        for path in self._staging.path.glob(_RECORD.format(name="*")):
            record = json.loads(path.read_text(encoding="utf-8"))
            entry = manifest.ShardEntry(**record.pop("entry"))
            found[entry.name] = shard_writer.Shard(entry, **record)
        return found

    def _check_settings(self, settings: dict[str, Any]) -> None:
        """Holds the settings of finished shards against the ones asked for."""
        if not self.finished:
            return
        known = json.loads((self._staging.path / _SETTINGS).read_text(encoding="utf-8"))
        for name in sorted(known.keys() | settings.keys()):
            there, here = known.get(name), settings.get(name)
            if there != here:
                raise DataError(
                    f"{self.folder}: it is half finished, with {name} {there} and not {here}. "
                    f"Finish it with {there}, or remove {self._staging.path} to begin anew."
                )

    def _names(self) -> set[str]:
        """The files that finished shards consist of."""
        names = {_SETTINGS} if self.finished else set()
        for name in self.finished:
            names |= {name, name + tfrecord.SPEC_SUFFIX, _RECORD.format(name=name)}
        return names
