"""The manifest of a dataset folder."""

from __future__ import annotations

import pathlib

import numpy as np

from data.reading import demonstrations
from data.shards import manifest
from tests.fuzz import mutations
from tests.fuzz import target as target_lib
from tests.fuzz.targets import _datasets


class Manifests(target_lib.Target):
    """Opens a dataset whose manifest is damaged. A dataset without a manifest is accepted."""

    name = "manifests"
    mutants = 2_500

    def prepare(self, folder: pathlib.Path) -> None:
        _datasets.write_dataset(folder / "dataset")

    def damage(self, folder: pathlib.Path, generator: np.random.Generator) -> str:
        return mutations.damage_file(folder / "dataset" / manifest.MANIFEST_NAME, generator)

    def read(self, folder: pathlib.Path) -> None:
        opened = demonstrations.Demonstrations.open(folder / "dataset", 0.3)
        if opened.num_frames != sum(_datasets.LENGTHS):
            raise target_lib.Wrong(f"{opened.num_frames} frames")
        if opened.manifest and opened.manifest.dataset_hash != opened.dataset_hash:
            raise target_lib.Wrong("the hash of the manifest is wrong")


TARGETS = [Manifests()]
