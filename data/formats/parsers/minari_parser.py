"""Episodes of a local Minari dataset."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from typing import Any

import minari
import numpy as np
from gymnasium import spaces

from data.errors import DataError
from data.formats.parsers import hdf5_files, selected_parts

_NEEDED = ("observation_space", "action_space", "data_format", "total_episodes")


def parse(
    path: str, observation_keys: Sequence[str] | None, action_keys: Sequence[str] | None
) -> Iterator:
    """Yields a dict that describes the dataset, and then its episodes.

    Args:
        path: The folder of the dataset.
        observation_keys: Parts of the observation to import; None for all.
        action_keys: Parts of the action to import; None for all.

    Yields:
        A dict, with the lower and upper bounds of actions as nests of arrays [1, …]; then for each
        episode its name and the arguments of `recorded_episodes.episode_from_transitions`, or None
        if it has no action.

    Raises:
        DataError: If the dataset is damaged, or contains less than it says.
    """
    folder = os.path.join(path, "data")
    _check_metadata(folder)
    dataset = minari.MinariDataset(folder)
    yield {
        "total": int(dataset.total_episodes),
        "dataset_id": dataset.spec.dataset_id,
        "version": dataset.spec.minari_version,
        "environment": None if dataset.spec.env_spec is None else dataset.spec.env_spec.id,
        "action_limits": tuple(
            selected_parts.select(_limits(dataset.action_space, side), action_keys, "action")
            for side in (0, 1)
        ),
    }
    for number, episode in enumerate(dataset.iterate_episodes()):
        if not len(episode.rewards):
            yield None
            continue
        observation, action = _arrays(episode.observations), _arrays(episode.actions)
        columns = {
            "observation": selected_parts.select(observation, observation_keys, "observation"),
            "action": selected_parts.select(action, action_keys, "action"),
        }
        reward, terminal = np.asarray(episode.rewards), bool(episode.terminations[-1])
        yield f"episode {number}", {**columns, "reward": reward, "terminal": terminal}


def _check_metadata(folder: str) -> None:
    """Checks what Minari takes for granted."""
    with open(os.path.join(folder, "metadata.json"), encoding="utf-8") as file:
        metadata = json.load(file)
    missing = [key for key in _NEEDED if key not in metadata]
    if missing:
        # Minari would construct the environment of the metadata to get its spaces, and so run
        # whatever code the metadata names.
        raise DataError(
            f"data/metadata.json has no {', '.join(missing)}. Write the dataset again with Minari,"
            " which stores them."
        )
    if metadata["data_format"] != "hdf5":
        return
    with hdf5_files.open_file(os.path.join(folder, "main_data.hdf5")) as file:
        for part in hdf5_files.datasets(file):
            hdf5_files.check_stored(part)
        if len(file) != metadata["total_episodes"]:
            raise DataError(
                f"data/main_data.hdf5 has {len(file)} episodes, and data/metadata.json says"
                f" {metadata['total_episodes']}: its writer did not finish, or it is damaged."
            )


def _limits(space: spaces.Space, side: int) -> Any:
    """Returns the lower (0) or upper (1) bounds of a space, a nest of arrays [1, …].

    They have the dtypes of the space. A space without bounds has zeros.
    """
    if isinstance(space, spaces.Dict):
        return {key: _limits(part, side) for key, part in space.items()}
    if isinstance(space, spaces.Tuple):
        return tuple(_limits(part, side) for part in space)
    if isinstance(space, spaces.Box):
        return (space.low, space.high)[side][np.newaxis]
    return np.zeros([1, *(space.shape or ())], space.dtype)


def _arrays(nest: Any) -> Any:
    """Returns a nest whose leaves are arrays; Minari gives texts as lists of str."""
    if isinstance(nest, dict):
        return {key: _arrays(part) for key, part in nest.items()}
    if isinstance(nest, tuple):
        return tuple(map(_arrays, nest))
    return np.asarray(nest)
