"""Shards of other writers, which have no manifest."""

from __future__ import annotations

import gzip
import pathlib

import numpy as np

from data import episodes
from data.inspection import dataset_summary, report
from data.reading import demonstrations
from data.shards import shard_reader
from data.sources import in_memory_source
from tests.fuzz import mutations
from tests.fuzz import target as target_lib
from tests.fuzz.targets import _datasets

_SHARDS = ("shard-00000.tfrecord", "shard-00001.tfrecord")


class Shards(target_lib.Target):
    """Opens and summarizes shards of which one is damaged."""

    name = "shards"
    mutants = 1_500

    def prepare(self, folder: pathlib.Path) -> None:
        _datasets.write_dataset(folder / "dataset")
        for path in (folder / "dataset").iterdir():
            if path.name.startswith(_SHARDS):
                path.rename(folder / path.name)
        first, second = (list(shard_reader.read_episodes(folder / name)) for name in _SHARDS)
        # A damaged file may be a copy of the other one.
        self._hashes = {
            episodes.combined_hash(episode.content_hash for episode in both)
            for both in (first + second, first * 2, second * 2)
        }

    def damage(self, folder: pathlib.Path, generator: np.random.Generator) -> str:
        path = folder / mutations.choose(generator, _SHARDS)
        kind = generator.random()
        if kind < 0.4:
            return mutations.damage_file(path, generator)
        if kind < 0.6:
            path.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
            return f"compressed, and {mutations.damage_file(path, generator)}"
        (folder / _datasets.HAS_MATCHING_CHECKSUMS).touch()
        return _datasets.damage_record(path, generator)

    def read(self, folder: pathlib.Path) -> None:
        report.format_report(dataset_summary.summarize_dataset(folder))
        opened = demonstrations.Demonstrations.open(folder, 0.0)
        source = in_memory_source.InMemorySource()
        source.load(opened.train, opened.spec)
        may_differ = (folder / _datasets.HAS_MATCHING_CHECKSUMS).exists()
        if not may_differ and len(opened.shards) == 2 and opened.dataset_hash not in self._hashes:
            raise target_lib.Wrong("the episodes differ")


TARGETS = [Shards()]
