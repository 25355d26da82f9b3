"""Demonstrations of an HDF5 file of robomimic or MimicGen."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import h5py
import numpy as np

from data.errors import DataError
from data.formats.parsers import hdf5_files, selected_parts

_NO_LIST = "mask/{} is not a list of demonstrations: neither names nor numbers nor booleans."


def parse(path: str, filter_key: str | None, observation_keys: Sequence[str] | None) -> Iterator:
    """Yields a dict with the number of demonstrations and the environment, then the demonstrations.

    Args:
        path: The HDF5 file.
        filter_key: Name of the list of demonstrations to import; None for all.
        observation_keys: Parts of the observation to import; None for all.

    Yields:
        A dict; then for each demonstration its name and the arguments of
        `recorded_episodes.episode_from_transitions`, or None if it has no action.

    Raises:
        DataError: If a part is missing or incomplete.
    """
    with hdf5_files.open_file(path) as file:
        demonstrations = file.get("data")
        if not isinstance(demonstrations, h5py.Group):
            raise DataError("it has no group 'data', in which robomimic stores demonstrations.")
        names = sorted(demonstrations, key=_natural_order)
        if filter_key is not None:
            chosen = _chosen(file, filter_key, names)
            names = [name for name in names if name in chosen]
        yield {"total": len(names), "environment": _environment(demonstrations)}
        for name in names:
            yield _demonstration(demonstrations, name, observation_keys)


def _natural_order(name: str) -> list[tuple[int, str]]:
    """Sorts `demo_10` after `demo_9`."""
    return [(len(p.lstrip("0")) if p.isdigit() else -1, p) for p in re.split(r"([0-9]+)", name)]


def _chosen(file: h5py.File, filter_key: str, names: list[str]) -> set[str]:
    """Returns the names of the demonstrations that a filter key selects."""
    masks = file.get("mask")
    known = list(masks) if isinstance(masks, h5py.Group) else []
    if filter_key not in known:
        raise DataError(
            f"it has no filter key {filter_key!r}; "
            f"--filter_key can be: {', '.join(known) or 'nothing, it has no filter keys'}."
        )
    dataset = masks[filter_key]
    if not isinstance(dataset, h5py.Dataset) or dataset.ndim != 1:
        raise DataError(_NO_LIST.format(filter_key))
    hdf5_files.check_stored(dataset)
    if dataset.dtype.kind == "b":
        mask = dataset[:]
        if len(mask) != len(names):
            raise DataError(
                f"mask/{filter_key} has {len(mask)} elements for {len(names)} demonstrations."
            )
        return {name for name, is_chosen in zip(names, mask) if is_chosen}
    if dataset.dtype.kind in "iu":
        by_number = {_number(name): name for name in names}
        entries = dataset[:].tolist()
        listed = [by_number.get(number, f"number {number}") for number in entries]
    elif h5py.check_string_dtype(dataset.dtype) is not None:
        listed = dataset.asstr()[:].tolist()
    else:
        raise DataError(_NO_LIST.format(filter_key))
    absent = sorted(set(listed) - set(names), key=_natural_order)
    if absent:
        raise DataError(
            f"mask/{filter_key} names {len(absent)} demonstrations that the file does not have:"
            f" {', '.join(absent[:5])}{', …' * (len(absent) > 5)}. Choose another filter key, or"
            " remove them from the mask."
        )
    if len(set(listed)) < len(listed):
        raise DataError(f"mask/{filter_key} names a demonstration twice; is it a list of 0 and 1?")
    return set(listed)


def _number(name: str) -> int | None:
    """Returns the number at the end of a name; None without one."""
    found = re.search(r"([0-9]{1,18})$", name)
    return None if found is None else int(found[1])


def _environment(demonstrations: h5py.Group) -> str | None:
    """Returns the name of the environment, if the file states one."""
    text = demonstrations.attrs.get("env_args", "{}")
    try:
        found = json.loads(text)["env_name"]
    except (ValueError, TypeError, KeyError):
        return None
    return found if isinstance(found, str) else None


def _demonstration(
    demonstrations: h5py.Group, name: str, observation_keys: Sequence[str] | None
) -> tuple[str, dict[str, Any]] | None:
    group = demonstrations[name]
    if not isinstance(group, h5py.Group):
        raise DataError(f"data/{name} is not a group with a demonstration.")
    action = hdf5_files.read(group, "actions")
    if not len(action):
        return None
    if not isinstance(group.get("obs"), h5py.Group):
        raise DataError(
            f"{name} has {_contents(group)} but no observations (obs). Compute them from the"
            " simulator's states with robomimic's scripts: conversion/convert_robosuite.py for a"
            " raw file of robosuite, then dataset_states_to_obs.py."
        )
    observation = _read_parts(group["obs"], observation_keys)
    if "next_obs" in group:
        following = _read_parts(group["next_obs"], observation_keys)
        observation = _close(observation, following)
    reward, dones = (
        hdf5_files.read(group, key) if key in group else np.zeros(len(action))
        for key in ("rewards", "dones")
    )
    columns = {"observation": observation, "action": action, "reward": reward}
    return name, {**columns, "terminal": bool(np.any(dones[-1:]))}


def _read_parts(group: h5py.Group, parts: Sequence[str] | None) -> dict[str, Any]:
    """Reads a group of observations, whose parts can be groups too."""
    if not isinstance(group, h5py.Group):
        raise DataError(f"{group.name.lstrip('/')} is not a group of observations.")
    recorded = {}
    for key in selected_parts.needed_keys(group, parts, "observation"):
        is_group = isinstance(group[key], h5py.Group)
        recorded[key] = _read_parts(group[key], None) if is_group else hdf5_files.read(group, key)
    return selected_parts.select(recorded, parts, "observation")


def _close(observation: Any, following: Any) -> Any:
    """Appends the observation after the last action."""
    if isinstance(observation, dict):
        return {key: _close(part, following[key]) for key, part in observation.items()}
    return np.concatenate([observation, following[-1:].astype(observation.dtype)])


def _contents(group: h5py.Group) -> str:
    return ", ".join(sorted(group))
