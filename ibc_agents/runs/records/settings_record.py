"""The settings that a run began with, and which of them may change when it is resumed."""

from __future__ import annotations

import dataclasses
import fnmatch
import math
from collections.abc import Iterator, Mapping
from typing import Any

import gin

# All others determine the weights, or what the records of the run mean.
MAY_CHANGE = (
    # Length and intervals of the training. The learning rate decays over its steps.
    "TrainingSettings.num_steps",
    "TrainingSettings.*_interval",
    "TrainingSettings.max_skipped_steps",
    "CosineDecay.decay_steps",
    # Evaluations.
    "EvaluationSettings.*",
    # Where the demonstrations are, and how they are collected. Their hash is compared as well.
    "DemonstrationSettings.dataset",
    "DemonstrationSettings.num_processes",
    "ReverbSource.address",
    # How much the actors of a job gather, and how many episodes they run at once.
    "GatheringSettings.num_episodes",
    "GatheringSettings.batch_size",
    # Speed, which changes results by rounding only.
    "Acceleration.enabled",
    "Acceleration.block*",
)
_MACRO = "gin.macro"
# Differences in these explain most of the others.
_FIRST = ("seed", "Experiment.", "Task.")


def describe(seed: int, *parts: Any) -> dict[str, Any]:
    """Returns the settings of a run whose agent and environment have been made, by name.

    They are all arguments of the configurable classes that were made, defaults included, without
    the macros by which they were set.

    Args:
        seed: Seed of the run.
        *parts: Dataclasses of settings, which gin need not have made.

    Returns:
        Values of JSON types by name, such as `Normalizer.margin`: numbers, booleans and None as
        they are, other values as gin writes them.
    """
    settings = {"seed": seed, **dict(_gin_settings())}
    for part in parts:
        for field in dataclasses.fields(part):
            value = getattr(part, field.name)
            settings[f"{type(part).__name__}.{field.name}"] = _as_json(value)
    return settings


def differences(begun: Mapping[str, Any], current: Mapping[str, Any]) -> list[str]:
    """Returns the settings that must not differ and do, in words.

    A setting that only one side has does not count: it belongs to a class that only one side made,
    and another setting selects that class.

    Args:
        begun: Settings that the run began with.
        current: Settings with which it is resumed.

    Returns:
        Such as "Normalizer.margin was 0.05, is 0.2".
    """
    names = [
        name
        for name in begun.keys() & current.keys()
        if begun[name] != current[name] and not _may_change(name)
    ]
    names.sort(key=lambda name: (not name.startswith(_FIRST), name))
    return [f"{name} was {begun[name]}, is {current[name]}" for name in names]


def _may_change(name: str) -> bool:
    without_scopes = name.rpartition("/")[2]
    return any(fnmatch.fnmatchcase(without_scopes, pattern) for pattern in MAY_CHANGE)


def _gin_settings() -> Iterator[tuple[str, Any]]:
    """Yields the arguments of gin's operative configuration."""
    for (scope, selector), arguments in gin.config._OPERATIVE_CONFIG.items():
        if selector in (_MACRO, "gin.constant"):
            continue
        name = gin.config._REGISTRY.minimal_selector(selector)
        for argument, value in arguments.items():
            resolved = _resolve(value)
            if gin.config._is_literally_representable(resolved):
                yield f"{scope}{scope and '/'}{name}.{argument}", _as_json(resolved)


def _resolve(value: Any) -> Any:
    """Replaces macros by their values."""
    if isinstance(value, (list, tuple)):
        return type(value)(map(_resolve, value))
    if isinstance(value, gin.config.ConfigurableReference):
        macro = gin.config._OPERATIVE_CONFIG.get(value.config_key, {})
        if value.configurable.selector == _MACRO and macro:
            return _resolve(macro["value"])
    return value


def _as_json(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int)):
        return value
    return value if isinstance(value, float) and math.isfinite(value) else repr(value)
