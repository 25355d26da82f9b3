"""HDF5 files of D4RL, and the importer."""

from __future__ import annotations

import pathlib

import h5py
import numpy as np

from tests.fuzz import target
from tests.fuzz.targets import _imports


class D4rl(target.Target):
    """A file with three episodes of 20 steps."""

    name = "d4rl"
    mutants = 500

    def prepare(self, folder: pathlib.Path) -> None:
        generator = np.random.default_rng(0)
        ends = np.arange(60) % 20 == 19
        columns = {
            "observations": np.cumsum(generator.normal(size=[60, 4]), axis=0).astype(np.float32),
            "actions": generator.uniform(-1, 1, [60, 3]).astype(np.float32),
            "rewards": generator.normal(size=60).astype(np.float32),
            "terminals": np.zeros(60, bool),
            "timeouts": ends,
        }
        with h5py.File(folder / "toy.hdf5", "w") as file:
            for name, values in columns.items():
                options = {"compression": "gzip", "chunks": (32, *values.shape[1:])}
                file.create_dataset(name, data=values, **(options if name != "rewards" else {}))
            file["infos/qpos"] = np.zeros([60, 2])

    def damage(self, folder: pathlib.Path, generator: np.random.Generator) -> str:
        return _imports.damage_hdf5(folder / "toy.hdf5", folder, generator)

    def read(self, folder: pathlib.Path) -> None:
        source = f"--source={folder / 'toy.hdf5'}"
        _imports.import_dataset(folder, "import_d4rl", source, "--join_pieces")


TARGETS = [D4rl()]
