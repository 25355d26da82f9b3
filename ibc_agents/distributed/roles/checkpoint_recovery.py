"""Falls back to an earlier checkpoint if the newest one is damaged."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from ibc_agents.runs import run_directory


def skip_damaged_checkpoints(
    directory: run_directory.RunDirectory, log: Callable[[str], None]
) -> None:
    """Makes the newest readable checkpoint of a run the one to restore.

    Without a readable checkpoint nothing changes; restoring then reports the error.

    Args:
        directory: Folder of the run.
        log: Called with a message for each damaged checkpoint.
    """
    latest = directory.latest_checkpoint()
    if latest is None:
        return
    folder = latest.rpartition("/")[0]
    state = tf.train.get_checkpoint_state(folder)
    newest_first = list(reversed(state.all_model_checkpoint_paths))
    readable = next((path for path in newest_first if _is_readable(path)), None)
    if readable is None or readable == latest:
        return
    position = newest_first.index(readable)
    for path in newest_first[:position]:
        log(f"cannot read the checkpoint {path}; continuing from the previous one")
    tf.compat.v1.train.update_checkpoint_state(
        folder, readable, all_model_checkpoint_paths=newest_first[position:][::-1]
    )


def latest_step(directory: run_directory.RunDirectory) -> int:
    """Returns the train step of the newest checkpoint, 0 without one."""
    latest = directory.latest_checkpoint()
    return int(latest.rpartition("-")[2]) if latest else 0


def _is_readable(path: str) -> bool:
    """Whether all variables of a checkpoint can be read and have the right checksums."""
    try:
        reader = tf.train.load_checkpoint(path)
        for name in reader.get_variable_to_shape_map():
            reader.get_tensor(name)
    except (tf.errors.OpError, RuntimeError, ValueError, IndexError):
        return False
    return True
