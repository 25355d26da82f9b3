"""Folders of checkpoints, read as a resumed training reads them."""

from __future__ import annotations

import functools
import pathlib

import numpy as np
import tensorflow as tf

from ibc_agents.runs import run_directory
from ibc_agents.runs.saving import checkpoint_folder
from tests.fuzz import mutations, target
from tests.ibc_agents import helpers

_STEPS = (100, 200, 300)
_FOLDER = pathlib.Path("train", "checkpoints")


@functools.cache
def _agent():
    return helpers.make_mse_agent()


def _set_step(step: int) -> None:
    """Sets the step, and all weights and optimizer state to it."""
    agent = _agent()
    agent.train_step_counter.assign(step)
    for variable in _values():
        variable.assign(tf.cast(tf.fill(variable.shape, step), variable.dtype))


def _values() -> list[tf.Variable]:
    return [*_agent()._variables(), *_agent()._update.optimizer.variables]


class CheckpointFolders(target.Target):
    """A finished run whose folder of checkpoints has one damaged file."""

    name = "checkpoints"
    mutants = 500

    def prepare(self, folder: pathlib.Path) -> None:
        saving = checkpoint_folder.CheckpointFolder(folder / _FOLDER)
        for step in _STEPS:
            _set_step(step)
            saving.save(_agent())
        (folder / run_directory.RESULTS).write_text("{}")

    def damage(self, folder: pathlib.Path, generator: np.random.Generator) -> str:
        return mutations.damage_folder(folder / _FOLDER, generator)

    def read(self, folder: pathlib.Path) -> None:
        _set_step(0)
        messages: list[str] = []
        directory = run_directory.RunDirectory(folder, log=messages.append)
        directory.restore_checkpoint(_agent())
        step = int(_agent().train_step_counter.numpy())
        if step not in _STEPS:
            raise target.Wrong(f"training restarts from step {step}")
        if step != _STEPS[-1] and not messages:
            raise target.Wrong(f"training restarts from step {step} without a message")
        if any((value.numpy() != step).any() for value in _values()):
            raise target.Wrong(f"the values are not those of step {step}")


TARGETS = [CheckpointFolders()]
