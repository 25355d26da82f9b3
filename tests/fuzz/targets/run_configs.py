"""Gin files of runs, which commands read without running foreign code."""

from __future__ import annotations

import pathlib
import sys

import gin
import numpy as np

from ibc_agents.cli import error_messages, gin_files
from ibc_agents.core import errors
from ibc_agents.runs import experiment, task
from tests.fuzz import mutations
from tests.fuzz import target as target_lib

_CONFIG = "operative_config.gin"
_FILES = ["gin_configs/tasks/particle.gin", "gin_configs/methods/ibc.gin"]
# A module that nothing else imports.
_FOREIGN = "sndhdr"
_HOSTILE_SHARE = 0.3
_HOSTILE = (
    f"import {_FOREIGN}",
    f"import {_FOREIGN} as environments",
    f"from {_FOREIGN} import what",
    f"from __gin__ import dynamic_registration\nimport {_FOREIGN}",
    "include '/etc/hostname'",
    "Task.environment = @suite_gym.load",
    "x/y/Task.environment = @tf_agents.environments.suite_gym.load",
    "other = [1, {'a': @a/suite_gym.load()}]",
    f"MlpEncoder.activation = {{'class_name': 'function', 'module': '{_FOREIGN}'}}",
    f"Adam:\n  learning_rate = ({{'module': '{_FOREIGN}', 'class_name': 'x'}},)",
)


class RunConfigs(target_lib.Target):
    """Reads an operative configuration that is damaged, or into which a hostile statement was put.

    It then makes what evaluate and plot_energy make.
    """

    name = "run_configs"
    mutants = 1_000

    def prepare(self, folder: pathlib.Path) -> None:
        gin_files.parse_gin(_FILES, ["Experiment.source = @InMemorySource()"])
        _make()
        (folder / _CONFIG).write_text(gin.operative_config_str())

    def damage(self, folder: pathlib.Path, generator: np.random.Generator) -> str:
        path = folder / _CONFIG
        if generator.random() < _HOSTILE_SHARE:
            return _insert_hostile(path, generator)
        return mutations.damage_file(path, generator)

    def read(self, folder: pathlib.Path) -> None:
        path = folder / _CONFIG
        text = path.read_bytes().decode("utf-8", "replace") if path.is_file() else ""
        try:
            _read(path)
        finally:
            if _FOREIGN in sys.modules:
                raise target_lib.Wrong("a foreign module was imported")
        if any(line in text for line in _HOSTILE):
            raise target_lib.Wrong("a hostile statement was accepted")


def _insert_hostile(path: pathlib.Path, generator: np.random.Generator) -> str:
    statements = path.read_text().split("\n\n")  # Between blocks of settings.
    hostile = mutations.choose(generator, _HOSTILE)
    statements.insert(int(generator.integers(len(statements) + 1)), hostile)
    path.write_text("\n\n".join(statements))
    return repr(hostile)


def _read(path: pathlib.Path) -> None:
    try:
        gin_files.parse_gin([], [], run_config=path)
        _make()
    except Exception as error:
        message = error_messages.format_error(error)  # As commands do.
        if message is None:
            raise
        raise errors.UserError(message) from error


def _make() -> None:
    """Makes the environment and all parts of the experiment except its networks."""
    environment = task.Task().evaluation_environment
    if environment is not None:
        environment().close()
    experiment.Experiment.from_gin("run", "data")


TARGETS = [RunConfigs()]
