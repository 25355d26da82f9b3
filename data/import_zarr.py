r"""Imports a zarr replay buffer of Diffusion Policy into a dataset folder.

    python -m data.import_zarr --source=pusht_cchi_v7_replay.zarr --out=datasets/push_t_pixels \
      --observation_keys='image=img,agent_pos=state[0:2]'

The folder has the group `data` with columns [L, …], one of them `action`, and `meta/episode_ends`.
Inspect the dataset with `python -m data.inspect`.

References:
    https://github.com/real-stanford/diffusion_policy
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
from absl import flags

from data import errors
from data.formats import command_flags
from ibc_agents.cli import command_line, path_flags

path_flags.define_import_paths("Folder of a zarr replay buffer (format 2).")
command_flags.define_import_flags()
command_flags.define_observation_keys_flag()
FLAGS = flags.FLAGS

_KIND = "a zarr replay buffer"
_ACTION = "action"


def main() -> None:
    """Imports the folder."""
    from data.formats import library_errors

    with library_errors.report_missing_library():
        import zarr
    with library_errors.report_unreadable(FLAGS.source, _KIND):
        if not os.path.isdir(FLAGS.source):
            raise FileNotFoundError(FLAGS.source)
        buffer = zarr.open_group(FLAGS.source, mode="r")
        columns = dict(buffer["data"].arrays())
        ends = np.asarray(buffer["meta/episode_ends"], np.int64)
    _check(columns, ends)
    origin = {
        "source": os.path.basename(os.path.normpath(FLAGS.source)),
        "source_format": "zarr replay buffer",
    }
    command_flags.write_dataset(_episodes(columns, ends), len(ends), origin)


def _check(columns: dict[str, Any], ends: np.ndarray) -> None:
    """Checks that the columns have the frames that the ends of the episodes divide.

    Raises:
        DataError: If they do not.
    """
    if _ACTION not in columns:
        raise errors.DataError(
            f"{FLAGS.source}: it has no column data/{_ACTION}; its columns are: "
            f"{', '.join(sorted(columns)) or 'none'}."
        )
    if ends.ndim != 1 or not len(ends) or np.any(np.diff(ends, prepend=0) < 1):
        raise errors.DataError(
            f"{FLAGS.source}: meta/episode_ends must increase from at least 1, got {ends}."
        )
    for name, column in columns.items():
        if column.ndim == 0 or len(column) != ends[-1]:
            raise errors.DataError(
                f"{FLAGS.source}: the column data/{name} has shape {list(column.shape)}, and the "
                f"last episode ends at {ends[-1]}. Each column must have one row per frame."
            )


def _episodes(columns: dict[str, Any], ends: np.ndarray) -> Iterator:
    from data.formats import library_errors, observation_parts, recorded_episodes

    keys = FLAGS.observation_keys
    if keys is None:
        needed = columns.keys() - {_ACTION}
    else:
        needed = {observation_parts.ObservationPart.parse(key).key for key in keys} & columns.keys()
    for start, end in zip([0, *ends[:-1]], ends, strict=True):
        with library_errors.report_unreadable(FLAGS.source, _KIND):
            recorded = {name: _as_image(columns[name][start:end]) for name in sorted(needed)}
            action = columns[_ACTION][start:end]
        yield recorded_episodes.episode_from_transitions(
            observation_parts.select(recorded, keys, FLAGS.source),
            action,
            np.zeros(len(action)),
            terminal=False,
        )


def _as_image(column: np.ndarray) -> np.ndarray:
    """Returns images that are stored as floats from 0 to 255 as uint8, and others unchanged."""
    is_image = column.ndim == 4 and column.shape[-1] in (1, 3)
    if not is_image or not np.issubdtype(column.dtype, np.floating):
        return column
    pixels = column.astype(np.uint8)
    return pixels if np.array_equal(pixels, column) and pixels.max() > 1 else column


if __name__ == "__main__":
    command_line.run(main)
