"""Prepared datasets of RLDS, and the importer."""

from __future__ import annotations

import multiprocessing
import pathlib

import numpy as np
import tensorflow_datasets as tfds

from tests.fuzz import mutations, target
from tests.fuzz.targets import _imports

# The children are forked from a server that has imported TensorFlow, instead of importing it each.
multiprocessing.set_forkserver_preload(["data.formats.parsers.rlds_parser"])


class Rlds(target.Target):
    """A dataset of two episodes in two shards, written by TensorFlow Datasets."""

    name = "rlds"
    mutants = 400

    def prepare(self, folder: pathlib.Path) -> None:
        features = {
            "observation": {
                "state": tfds.features.Tensor(shape=(2,), dtype=np.float64),
                "camera": tfds.features.Image(shape=(4, 4, 3)),
            },
            "action": tfds.features.Tensor(shape=(1,), dtype=np.float32),
            "is_first": np.bool_,
            "is_last": np.bool_,
            "is_terminal": np.bool_,
            "reward": np.float64,
        }
        identity = tfds.core.dataset_info.DatasetIdentity(
            name="tiny", version=tfds.core.Version("1.0.0"), data_dir=str(folder), module_name=""
        )
        steps = tfds.features.FeaturesDict({"steps": tfds.features.Dataset(features)})
        info = tfds.core.DatasetInfo(builder=identity, features=steps)
        writer = tfds.core.SequentialWriter(info, max_examples_per_shard=1)
        writer.initialize_splits(["train"])
        for length in (3, 4):
            example = {"steps": [_step(row, length) for row in range(length)]}
            writer.add_examples({"train": [example]})
        writer.close_all()

    def damage(self, folder: pathlib.Path, generator: np.random.Generator) -> str:
        return mutations.damage_folder(folder, generator)

    def read(self, folder: pathlib.Path) -> None:
        _imports.import_dataset(folder, "import_rlds", f"--source={folder}")


def _step(row: int, length: int) -> dict:
    last = row == length - 1
    return {
        "observation": {
            "state": np.array([row, -row], np.float64),
            "camera": np.full([4, 4, 3], 10 * row, np.uint8),
        },
        "action": np.array([0.1 * row], np.float32),
        "is_first": row == 0,
        "is_last": last,
        "is_terminal": last,
        "reward": float(row),
    }


TARGETS = [Rlds()]
