"""HDF5 files of robomimic, and the importer."""

from __future__ import annotations

import json
import pathlib

import h5py
import numpy as np

from tests.fuzz import mutations, target
from tests.fuzz.targets import _imports


class Robomimic(target.Target):
    """A file with three demonstrations, nested observations and a filter key."""

    name = "robomimic"
    mutants = 500

    def prepare(self, folder: pathlib.Path) -> None:
        generator = np.random.default_rng(0)
        with h5py.File(folder / "low_dim.hdf5", "w") as file:
            data = file.create_group("data")
            data.attrs["env_args"] = json.dumps({"env_name": "Lift", "type": 1, "env_kwargs": {}})
            for number in range(3):
                demonstration = data.create_group(f"demo_{number}")
                demonstration["actions"] = generator.uniform(-1, 1, [6, 2])
                demonstration["rewards"] = np.zeros(6)
                demonstration["dones"] = np.arange(6) == 5
                for name in ("obs", "next_obs"):
                    demonstration[f"{name}/object"] = generator.normal(size=[6, 3])
                    demonstration[f"{name}/arm/position"] = generator.normal(size=[6, 2])
            file["mask/train"] = np.array([b"demo_2", b"demo_0", b"demo_1"])

    def damage(self, folder: pathlib.Path, generator: np.random.Generator) -> str:
        path = folder / "low_dim.hdf5"
        if generator.random() < 0.8:
            return _imports.damage_hdf5(path, folder, generator)
        with h5py.File(path, "a") as file:
            attributes = file["data"].attrs
            text, description = mutations.damage_text(attributes["env_args"], generator)
            attributes["env_args"] = text.replace("\0", "0")
        return f"env_args: {description}"

    def read(self, folder: pathlib.Path) -> None:
        source = f"--source={folder / 'low_dim.hdf5'}"
        _imports.import_dataset(folder, "import_robomimic", source, "--filter_key=train")


TARGETS = [Robomimic()]
