"""Imports an HDF5 file of robomimic into a dataset folder.

    python -m data.import_robomimic --source=low_dim.hdf5 --out=datasets/lift --filter_key=train

Inspect the dataset with `python -m data.inspect`.

References:
    https://robomimic.github.io/docs/datasets/overview.html
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
from absl import flags

from data import errors
from data.formats import command_flags
from ibc_agents.cli import command_line, path_flags

_FILTER_KEY = flags.DEFINE_string(
    "filter_key", None, "Import only the demonstrations of this filter key of the file."
)
path_flags.define_import_paths("HDF5 file of robomimic, with observations.")
command_flags.define_import_flags()
command_flags.define_observation_keys_flag()
FLAGS = flags.FLAGS

_KIND = "an HDF5 file of robomimic"


def main() -> None:
    """Imports the file."""
    from data.formats import library_errors
    from data.shards import manifest

    with library_errors.report_missing_library():
        import h5py
    with library_errors.report_unreadable(FLAGS.source, _KIND):
        file = h5py.File(FLAGS.source)
    with file:
        with library_errors.report_unreadable(FLAGS.source, _KIND):
            names = _demonstration_names(file)
            environment = json.loads(file["data"].attrs["env_args"])["env_name"]
        origin = {
            "source": os.path.basename(FLAGS.source),
            "source_format": "robomimic HDF5",
            "source_sha256": manifest.file_sha256(FLAGS.source),
            "source_environment": environment,
        }
        if _FILTER_KEY.value is not None:
            origin["source_filter_key"] = _FILTER_KEY.value
        command_flags.write_dataset(_episodes(file["data"], names), len(names), origin)


def _demonstration_names(file: Any) -> list[str]:
    """Returns the names of the demonstrations, in the order of their numbers."""
    names = sorted(file["data"], key=lambda name: int(name.rpartition("_")[2]))
    if _FILTER_KEY.value is None:
        return names
    masks = file.get("mask", {})
    if _FILTER_KEY.value not in masks:
        raise errors.DataError(
            f"{FLAGS.source}: it has no filter key {_FILTER_KEY.value!r}; "
            f"--filter_key can be: {', '.join(masks) or 'nothing, it has no filter keys'}."
        )
    chosen = {name.decode() for name in masks[_FILTER_KEY.value]}
    return [name for name in names if name in chosen]


def _episodes(demonstrations: Any, names: list[str]) -> Iterator:
    from data.formats import library_errors, observation_parts, recorded_episodes

    for name in names:
        with library_errors.report_unreadable(FLAGS.source, _KIND):
            group = demonstrations[name]
            if "obs" not in group:
                raise errors.DataError(
                    f"{FLAGS.source}: {name} has states but no observations; add them with "
                    "robomimic's dataset_states_to_obs.py."
                )
            observation = observation_parts.select(
                group["obs"], FLAGS.observation_keys, FLAGS.source
            )
            columns = {key: column[:] for key, column in observation.items()}
            if "next_obs" in group:
                following = {key: group["next_obs"][key][-1:] for key in columns}
                columns = {key: np.concatenate([columns[key], following[key]]) for key in columns}
            episode = recorded_episodes.episode_from_transitions(
                columns,
                group["actions"][:],
                group["rewards"][:],
                terminal=bool(group["dones"][-1]),
            )
        yield episode


if __name__ == "__main__":
    command_line.run(main)
