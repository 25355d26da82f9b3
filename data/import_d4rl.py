"""Imports a dataset of D4RL into a dataset folder.

    python -m data.import_d4rl --source=door-v0_demos_clipped.hdf5 --out=datasets/door --join_pieces

The source is an HDF5 file of D4RL, or TFRecord shards converted from one row by row, in which the
action of a LAST frame was executed too. An episode ends at `terminals` or `timeouts`. D4RL's
environments cut a longer demonstration at their time limit (200 steps in Adroit), and the next row
continues it. Such pieces stay separate episodes, or --join_pieces joins them. Inspect the dataset
with `python -m data.inspect`.

References:
    Fu et al., "D4RL", 2020. https://arxiv.org/abs/2004.07219
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
from absl import flags

from data import errors
from data.formats import command_flags
from ibc_agents.cli import command_line, path_flags

_JOIN_PIECES = flags.DEFINE_bool(
    "join_pieces",
    False,
    "Join a piece that the time limit cut with the next one if the observation continues: no"
    " element jumps further than twice its largest step inside the pieces.",
)
_MAX_EPISODE_STEPS = flags.DEFINE_integer(
    "max_episode_steps",
    None,
    "Time limit in steps, for a file without `timeouts`.",
    lower_bound=1,
)
path_flags.define_import_paths("HDF5 file of D4RL, or TFRecord shards (folder, shard, glob).")
command_flags.define_import_flags()
FLAGS = flags.FLAGS

_KIND = "an HDF5 file of D4RL"
# The step across a cut can be the largest one of an element. Between two episodes of the measured
# files some element jumped 26 times its largest step.
_LARGEST_JUMP = 2.0


def main() -> None:
    """Imports the dataset."""
    from data.formats import recorded_episodes

    columns, origin = _read(FLAGS.source)
    terminals = columns["terminals"]
    timeouts = columns.get("timeouts")
    if timeouts is None:
        if _MAX_EPISODE_STEPS.value is None:
            raise errors.DataError(
                f"{FLAGS.source}: it has no `timeouts`; set --max_episode_steps to the time limit"
                " in steps (pen 100, other Adroit tasks 200, kitchen 280)."
            )
        timeouts = _timeouts(terminals, _MAX_EPISODE_STEPS.value)
    elif _MAX_EPISODE_STEPS.value is not None:
        raise errors.DataError(
            f"{FLAGS.source}: it has `timeouts`, which state the time limit; remove"
            " --max_episode_steps."
        )
    ends = np.union1d(np.flatnonzero(terminals | timeouts) + 1, [len(terminals)])
    continues = _continues(columns["observations"], ends) & ~terminals[ends - 1]
    if _JOIN_PIECES.value:
        ends = ends[~continues]
    pieces = {
        "cuts_by_the_time_limit": int(continues.sum()),
        "pieces_joined": _JOIN_PIECES.value,
    }
    episodes = recorded_episodes.build_episodes(
        FLAGS.source, _records(columns, ends), recorded_episodes.episode_from_transitions
    )
    command_flags.write_dataset(episodes, len(ends), {**origin, **pieces})
    if continues.any() and _JOIN_PIECES.value:
        print(f"{continues.sum()} pieces were joined with the piece that continues them")
    elif continues.any():
        print(f"{continues.sum()} of them continue in the next one; --join_pieces joins these")


def _read(source: str) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Returns the columns [N, …], and their origin for the manifest."""
    is_shards = os.path.isdir(os.path.expanduser(source)) or ".tfrecord" in source
    columns, origin = (_read_shards if is_shards else _read_hdf5)(source)
    for key in {"rewards", "terminals", "timeouts"} & columns.keys():
        columns[key] = columns[key].reshape(-1)
    lengths = {key: len(column) for key, column in columns.items()}
    if len(set(lengths.values())) != 1 or not lengths["actions"]:
        raise errors.DataError(f"{source}: its columns are empty or differ in length: {lengths}.")
    shape = columns["observations"].shape
    following = columns.get("next_observations", columns["observations"])
    if following.shape != shape:
        raise errors.DataError(
            f"{source}: its next_observations have the shape {list(following.shape)}, and its"
            f" observations {list(shape)}; remove the former from the file."
        )
    for key in {"terminals", "timeouts"} & columns.keys():
        columns[key] = columns[key].astype(bool)
    return columns, origin


def _read_hdf5(source: str) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    from data.formats.parsers import guarded_parsing
    from data.shards import manifest

    (columns,) = guarded_parsing.parse("data.formats.parsers.d4rl_parser", source, _KIND)
    return columns, {
        "source": os.path.basename(source),
        "source_format": "D4RL HDF5",
        "source_sha256": manifest.file_sha256(source),
    }


def _read_shards(source: str) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    from tf_agents.trajectories import time_step as ts

    from data.reading import demonstrations

    dataset = demonstrations.Demonstrations.open(source, validation_fraction=0.0)
    frames = [episode.frames for episode in dataset.train]
    if not all(isinstance(leaf, np.ndarray) for leaf in (frames[0].observation, frames[0].action)):
        raise errors.DataError(
            f"{source}: its observations or actions have parts; those of D4RL are single vectors."
        )
    columns = {
        "observations": np.concatenate([part.observation for part in frames]),
        "actions": np.concatenate([part.action for part in frames]),
        "rewards": np.concatenate([part.reward for part in frames]),
        "terminals": np.concatenate([part.discount == 0.0 for part in frames]),
        "timeouts": np.concatenate([part.step_type == ts.StepType.LAST for part in frames]),
    }
    return columns, {
        "source": dataset.name,
        "source_format": "D4RL TFRecord",
        "source_dataset_hash": dataset.dataset_hash,
    }


def _timeouts(terminals: np.ndarray, limit: int) -> np.ndarray:
    """Returns where an environment with a time limit of `limit` steps ends an episode, bool [N]."""
    begins = np.concatenate([[0], np.flatnonzero(terminals) + 1])
    rows = np.arange(len(terminals))
    since = rows - begins[np.searchsorted(begins, rows, side="right") - 1]
    return (since + 1) % limit == 0


def _continues(observations: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Returns whether the next piece continues the observation of each piece, bool [pieces]."""
    flat = observations.reshape(len(observations), -1).astype(np.float64)
    steps = np.abs(np.diff(flat, axis=0))
    across = ends[:-1] - 1
    inside = np.delete(steps, across, axis=0)
    largest = inside.max(axis=0, initial=0.0)
    return np.append((steps[across] <= _LARGEST_JUMP * largest).all(axis=1), False)


def _records(columns: dict[str, np.ndarray], ends: np.ndarray) -> Iterator:
    """Yields the rows of each episode, and the arguments of `episode_from_transitions`."""
    following = columns.get("next_observations")
    for begin, end in zip([0, *ends[:-1]], ends):
        observation = columns["observations"][begin:end]
        if following is not None:
            observation = np.concatenate([observation, following[end - 1 : end]])
        yield (
            f"rows {begin} to {end - 1}",
            {
                "observation": observation,
                "action": columns["actions"][begin:end],
                "reward": columns["rewards"][begin:end],
                "terminal": bool(columns["terminals"][end - 1]),
            },
        )


if __name__ == "__main__":
    command_line.run(main)
