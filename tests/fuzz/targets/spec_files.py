"""The spec beside a shard."""

from __future__ import annotations

import pathlib

import numpy as np
from google.protobuf import json_format
from tensorflow.core.protobuf import struct_pb2

from data import episodes
from data.shards import shard_reader
from tests.fuzz import mutations
from tests.fuzz import target as target_lib
from tests.fuzz.targets import _datasets

_SHARD = "shard-00000.tfrecord"
_SPEC = _SHARD + ".spec"


class SpecFiles(target_lib.Target):
    """Reads a shard whose spec file is damaged.

    Where the checksums of the damaged spec match, it may be that of other frames.
    """

    name = "spec_files"
    mutants = 3_000

    def prepare(self, folder: pathlib.Path) -> None:
        _datasets.write_dataset(folder / "dataset")
        for name in (_SHARD, _SPEC):
            (folder / "dataset" / name).rename(folder / name)
        self._hash = _read(folder)

    def damage(self, folder: pathlib.Path, generator: np.random.Generator) -> str:
        kind = generator.integers(3)
        if kind == 0:
            return mutations.damage_file(folder / _SPEC, generator)
        (folder / _datasets.HAS_MATCHING_CHECKSUMS).touch()
        if kind == 1:
            return _datasets.damage_record(folder / _SPEC, generator)
        return _damage_fields(folder / _SPEC, generator)

    def read(self, folder: pathlib.Path) -> None:
        is_other = (folder / _datasets.HAS_MATCHING_CHECKSUMS).exists()
        if _read(folder) != self._hash and not is_other:
            raise target_lib.Wrong("the episodes differ")


def _damage_fields(path: pathlib.Path, generator: np.random.Generator) -> str:
    """Damages the fields of the message in a spec file."""
    (content,) = _datasets.read_records(path)
    fields = json_format.MessageToDict(struct_pb2.StructuredValue.FromString(content))
    while True:
        damaged, description = mutations.damage_json(fields, generator)
        try:
            proto = json_format.ParseDict(damaged, struct_pb2.StructuredValue())
        except Exception:  # Of many kinds, if no message can contain the value.
            continue
        _datasets.write_records(path, [proto.SerializeToString()])
        return description


def _read(folder: pathlib.Path) -> str:
    reader = shard_reader.EpisodeReader(folder / _SHARD)
    return episodes.combined_hash(episode.content_hash for episode in reader)


TARGETS = [SpecFiles()]
