"""Local Minari datasets, and the importer."""

from __future__ import annotations

import json
import pathlib

import gymnasium
import numpy as np
from minari import data_collector
from minari.dataset import minari_storage

from tests.fuzz import mutations, target
from tests.fuzz.targets import _imports

_SPACES = ("observation_space", "action_space")


class Minari(target.Target):
    """A dataset of two episodes, with a dictionary, a tuple and an image as observation."""

    name = "minari"
    mutants = 400

    def prepare(self, folder: pathlib.Path) -> None:
        generator = np.random.default_rng(0)
        shapes = {"hand": [3], "parts": ([2], [1]), "camera": [32, 32, 3]}
        box = gymnasium.spaces.Box
        observation_space = gymnasium.spaces.Dict(
            hand=box(-np.inf, np.inf, shapes["hand"]),
            parts=gymnasium.spaces.Tuple([box(-9.0, 9.0, shape) for shape in shapes["parts"]]),
            camera=box(0, 255, shapes["camera"], np.uint8),
        )
        storage = minari_storage.MinariStorage.new(
            folder / "data",
            observation_space=observation_space,
            action_space=box(-1.0, np.inf, [2], np.float64),
        )
        storage.update_metadata({"dataset_id": "door/tiny-v0", "minari_version": "0.5.3"})
        for number in range(2):
            observations = {
                "hand": generator.normal(size=[5, 3]).astype(np.float32),
                "parts": tuple(np.zeros([5, *shape], np.float32) for shape in shapes["parts"]),
                "camera": generator.integers(0, 255, [5, 32, 32, 3]).astype(np.uint8),
            }
            buffer = data_collector.EpisodeBuffer(
                id=number,
                observations=observations,
                actions=generator.uniform(-1, 1, [4, 2]),
                rewards=list(generator.normal(size=4)),
                terminations=np.arange(4) == 3,
                truncations=np.zeros(4, bool),
            )
            storage.update_episodes([buffer])

    def damage(self, folder: pathlib.Path, generator: np.random.Generator) -> str:
        metadata = folder / "data" / "metadata.json"
        kind = generator.random()
        if kind < 0.5:
            return _imports.damage_hdf5(folder / "data" / "main_data.hdf5", folder, generator)
        if kind < 0.7:
            return mutations.damage_file(metadata, generator)
        content = json.loads(metadata.read_text(encoding="utf-8"))
        name = mutations.choose(generator, _SPACES)
        space, description = mutations.damage_json(json.loads(content[name]), generator)
        metadata.write_text(json.dumps(content | {name: json.dumps(space)}), encoding="utf-8")
        return f"{name}: {description}"

    def read(self, folder: pathlib.Path) -> None:
        _imports.import_dataset(folder, "import_minari", f"--source={folder}", "--clip_actions")


TARGETS = [Minari()]
