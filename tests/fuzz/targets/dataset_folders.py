"""Finished and unfinished dataset folders."""

from __future__ import annotations

import pathlib
import shutil

import numpy as np

from data.inspection import dataset_summary, report
from data.reading import demonstrations
from data.shards import shard_reader, shard_summary, shard_writer
from data.writing import resumable_dataset
from tests.fuzz import mutations
from tests.fuzz import target as target_lib
from tests.fuzz.targets import _datasets

_NAMES = ("shard-00000.tfrecord", "shard-00001.tfrecord")
_SETTINGS = {"environment": "toy", "seed": 3}


class DatasetFolders(target_lib.Target):
    """Opens and summarizes a dataset folder, and finishes another, of which any file is damaged.

    One of two shards of the unfinished folder is written. It must become the undamaged dataset.
    """

    name = "dataset_folders"
    mutants = 800

    def prepare(self, folder: pathlib.Path) -> None:
        _datasets.write_dataset(folder / "dataset")
        self._hash = demonstrations.Demonstrations.open(folder / "dataset", 0.0).dataset_hash
        self._source = folder.parent / "source"
        self._source.mkdir()
        self._shards = [_write_shard(self._source, number) for number in range(len(_NAMES))]
        self._finish(folder / "finished")
        self._expected = _contents(folder / "finished")
        shutil.rmtree(folder / "finished")
        with resumable_dataset.ResumableDataset(folder / "unfinished", _SETTINGS) as parts:
            self._add(parts, 0)

    def damage(self, folder: pathlib.Path, generator: np.random.Generator) -> str:
        name = mutations.choose(generator, ("dataset", ".unfinished.partial"))
        return f"{name}: {mutations.damage_folder(folder / name, generator)}"

    def read(self, folder: pathlib.Path) -> None:
        self._finish(folder / "unfinished")
        if _contents(folder / "unfinished") != self._expected:
            raise target_lib.Wrong("the finished dataset differs")
        opened = demonstrations.Demonstrations.open(folder / "dataset", 0.0)
        if opened.manifest and opened.dataset_hash != self._hash:
            raise target_lib.Wrong("the episodes differ")
        report.format_report(dataset_summary.summarize_dataset(folder / "dataset"))

    def _finish(self, folder: pathlib.Path) -> None:
        with resumable_dataset.ResumableDataset(folder, _SETTINGS) as parts:
            for number, name in enumerate(_NAMES):
                if name not in parts.finished:
                    self._add(parts, number)
            parts.publish({"seed": 3})

    def _add(self, parts: resumable_dataset.ResumableDataset, number: int) -> None:
        for suffix in ("", ".spec"):
            shutil.copy(self._source / (_NAMES[number] + suffix), parts.work)
        parts.add(self._shards[number])


def _write_shard(folder: pathlib.Path, number: int) -> shard_summary.ShardSummary:
    spec = _datasets.make_spec()
    path = folder / _NAMES[number]
    with shard_writer.ShardWriter(path, spec, "png", folder) as writer:
        writer.write(number, _datasets.make_episode(number))
    return shard_summary.summarize_shard(path, shard_reader.FrameReader(spec), successes=number)


def _contents(folder: pathlib.Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


TARGETS = [DatasetFolders()]
