"""Zarr replay buffers, and the importer."""

from __future__ import annotations

import pathlib

import numpy as np
import zarr

from tests.fuzz import mutations, target
from tests.fuzz.targets import _imports


class ZarrBuffers(target.Target):
    """A buffer of two episodes with vectors and images."""

    name = "zarr_buffers"
    mutants = 300

    def prepare(self, folder: pathlib.Path) -> None:
        generator = np.random.default_rng(0)
        columns = {
            "action": generator.normal(size=[9, 2]).astype(np.float32),
            "state": generator.normal(size=[9, 3]).astype(np.float32),
            "img": generator.integers(0, 256, [9, 8, 8, 3]).astype(np.float32),
        }
        group = zarr.open_group(str(folder / "buffer.zarr"), mode="w")
        for name, column in columns.items():
            group.require_group("data").create_dataset(
                name, data=column, chunks=(5, *column.shape[1:])
            )
        group.require_group("meta").create_dataset("episode_ends", data=np.array([4, 9]))

    def damage(self, folder: pathlib.Path, generator: np.random.Generator) -> str:
        # Blosc has no checksums: flipped numbers are not noticed.
        hidden = sorted(path for path in folder.rglob(".z*") if path.name in (".zarray", ".zgroup"))
        if generator.random() < 0.5:
            path = mutations.choose(generator, hidden)
            return f"{path.parent.name}: {mutations.damage_file(path, generator)}"
        return mutations.damage_folder(folder, generator)

    def read(self, folder: pathlib.Path) -> None:
        source = f"--source={folder / 'buffer.zarr'}"
        _imports.import_dataset(folder, "import_zarr", source)


TARGETS = [ZarrBuffers()]
