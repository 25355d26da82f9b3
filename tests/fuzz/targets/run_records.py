"""What commands read back from the folders of runs and studies."""

from __future__ import annotations

import json
import pathlib

import numpy as np

from ibc_agents import studies
from ibc_agents.core import errors
from ibc_agents.runs import run_directory
from tests.fuzz import mutations
from tests.fuzz import target as target_lib

_HASH = "ab" * 32
_SETTINGS = {
    "seed": 3,
    "Experiment.agent": "@MseAgent",
    "Normalizer.margin": 0.05,
    "TrainingSettings.num_steps": 100,
    "DemonstrationSettings.dataset": None,
    "Acceleration.enabled": True,
}
_RECORDS = ("settings.json", "dataset.json")


class RunRecords(target_lib.Target):
    """Resumes a run whose record of dataset or settings is damaged."""

    name = "run_records"
    mutants = 1_000

    def prepare(self, folder: pathlib.Path) -> None:
        directory = run_directory.RunDirectory(folder)
        directory.check_dataset(_HASH, "toy")
        directory.check_settings(_SETTINGS)
        directory.write_json(run_directory.RESULTS, {})  # The run has trained.

    def damage(self, folder: pathlib.Path, generator: np.random.Generator) -> str:
        return mutations.damage_file(folder / mutations.choose(generator, _RECORDS), generator)

    def read(self, folder: pathlib.Path) -> None:
        before = {name: _content(folder / name) for name in _RECORDS}
        directory = run_directory.RunDirectory(folder)
        with directory.locked():
            directory.check_settings(_SETTINGS)
            directory.check_dataset(_HASH, "toy")
        for name, content in before.items():
            if content is not None and _content(folder / name) != content:
                raise target_lib.Wrong(f"{name} was replaced")
        if before["settings.json"] is not None:
            found = json.loads(before["settings.json"])
            if found.get("seed", 3) != 3:
                raise target_lib.Wrong(f"a run of the seed {found['seed']} was resumed with 3")


class StudyResults(target_lib.Target):
    """Skips and summarizes a finished run of a study whose kept results are damaged."""

    name = "study_results"
    mutants = 500

    def prepare(self, folder: pathlib.Path) -> None:
        self._study = studies.Study(
            name="toy",
            tasks={"door": studies.Task("Door", ["gin_configs/tasks/d4rl/door.gin"])},
            methods={"mse": studies.Method("MSE", ["gin_configs/methods/mse.gin"])},
            evaluations={"longer": studies.Evaluation(["Door.steps = 9"])},
        )
        runner = studies.Runner(self._study, folder / "runs", folder / "kept", folder, _execute)
        runner.run(self._study.cells(), [0])

    def damage(self, folder: pathlib.Path, generator: np.random.Generator) -> str:
        return mutations.damage_folder(folder, generator)

    def read(self, folder: pathlib.Path) -> None:
        runner = studies.Runner(self._study, folder / "runs", folder / "kept", folder, _execute)
        (cell,) = self._study.cells()
        runner.run([cell], [0])
        for evaluation in (None, "longer"):
            if list(runner.results(cell, evaluation)) != [0]:
                raise target_lib.Wrong("the run was repeated, and its results are missing")


def _execute(module: str, flags: list[str]) -> None:
    """Writes the results of a command."""
    values = dict(flag.removeprefix("--").partition("=")[::2] for flag in flags)
    path = pathlib.Path(values.get("results") or pathlib.Path(values["root_dir"], "results.json"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"success": {"rate": 0.5}, "episodes": [1, 2]}))
    except OSError as error:
        raise errors.UserError(f"{module} ended with exit code 1.") from error


def _content(path: pathlib.Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


TARGETS = [RunRecords(), StudyResults()]
