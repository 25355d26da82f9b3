"""The settings that all processes of a job must share."""

from __future__ import annotations

import dataclasses
from typing import Any

import gin

from ibc_agents.runs import experiment as experiment_lib

# They may differ between machines: the folder of the dataset, and the use of the processors.
_LOCAL = frozenset({"DemonstrationSettings.dataset", "DemonstrationSettings.num_processes"})
_COMMENT = "#"
_ASSIGNMENT = " = "


def describe(experiment: experiment_lib.Experiment) -> dict[str, str]:
    """Returns the values of all settings of an experiment by their names.

    They are the seed, the fields of its settings, and everything else that gin has read.

    Args:
        experiment: The experiment of a process.
    """
    fields = {
        **_describe_fields(experiment.demonstrations),
        **_describe_fields(experiment.training),
        **_describe_fields(experiment.evaluation),
        **_describe_fields(experiment.gathering),
    }
    everything = {"--seed": repr(experiment.seed), **_gin_bindings(), **fields}
    return {name: value for name, value in everything.items() if name not in _LOCAL}


def describe_difference(theirs: dict[str, str], ours: dict[str, str]) -> str | None:
    """Returns the first setting that differs in words; None if all are equal.

    Args:
        theirs: Settings of the job.
        ours: Settings of this process.
    """
    for name in sorted(theirs.keys() | ours.keys()):
        if theirs.get(name) != ours.get(name):
            return (
                f"its {name} is {theirs.get(name, 'not set')}, the one of this process is "
                f"{ours.get(name, 'not set')}"
            )
    return None


def _describe_fields(settings: Any) -> dict[str, str]:
    """Returns the values of a dataclass by `Class.field`."""
    return {
        f"{type(settings).__name__}.{field.name}": repr(getattr(settings, field.name))
        for field in dataclasses.fields(settings)
    }


def _gin_bindings() -> dict[str, str]:
    """Returns the values that gin files and bindings give, by the names of their settings."""
    bindings: dict[str, str] = {}
    name = ""
    for line in gin.config_str().splitlines():
        if _ASSIGNMENT in line and not line.startswith((" ", _COMMENT)):
            selector, _, value = line.partition(_ASSIGNMENT)
            name = _without_modules(selector)
            bindings[name] = value.strip()
        elif name and line.startswith(" "):
            bindings[name] += line.strip()
        else:
            name = ""
    return bindings


def _without_modules(selector: str) -> str:
    """Returns `scope/Class.setting` of `scope/module.Class.setting`.

    gin names a module if two of them have a class of this name, which depends on the role.
    """
    scope, slash, name = selector.rpartition("/")
    return f"{scope}{slash}{'.'.join(name.split('.')[-2:])}"
