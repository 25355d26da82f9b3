"""A finished small run, which the tests share."""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
import pathlib
from typing import Any

import pytest

from tests.system import helpers


@dataclasses.dataclass(frozen=True)
class FinishedRun:
    """A run that was never interrupted."""

    folder: pathlib.Path
    done: helpers.Done

    STEPS = 800
    INTERVAL = 200  # between checkpoints, and between validations
    SEED = 3
    BINDINGS = (
        helpers.IN_MEMORY,
        # Swish differs in the last bits from process to process; runs are compared bit for bit.
        "MlpEncoder.activation='relu'",
        "MlpEnergyNetwork.activation='relu'",
        f"TrainingSettings.checkpoint_interval={INTERVAL}",
        f"TrainingSettings.validation_interval={INTERVAL}",
        "EvaluationSettings.interval=400",
        "EvaluationSettings.seed=5",
        "EvaluationSettings.recorded_episodes=1",
    )

    @property
    def root_dir(self) -> pathlib.Path:
        return self.folder / "run"

    @property
    def data_dir(self) -> pathlib.Path:
        return self.folder / "data"

    @property
    def dataset(self) -> pathlib.Path:
        return self.data_dir / f"particle_2d_{helpers.EPISODES}"

    @property
    def results(self) -> dict[str, Any]:
        return json.loads((self.root_dir / "results.json").read_text())

    def arguments(self, root_dir: pathlib.Path, *values: str) -> list[str]:
        """Returns the arguments of the same command for another root_dir and more bindings."""
        run = helpers.small_run(root_dir, self.data_dir, self.STEPS, *self.BINDINGS, *values)
        return [*run, f"--seed={self.SEED}"]


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> FinishedRun:
    """Makes the run in the first worker of pytest-xdist that needs it."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder = shared / "finished_run"
    folder.mkdir(exist_ok=True)
    ended = folder / "done.json"
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ended.exists():
            making = FinishedRun(folder, helpers.Done(0, "", ""))
            done = helpers.run(
                "ibc_agents.train", *making.arguments(making.root_dir), folder=folder
            )
            ended.write_text(json.dumps(done))
    return FinishedRun(folder, helpers.Done(*json.loads(ended.read_text())))
