"""A newest checkpoint that is damaged makes way for the one before."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from ibc_agents.runs import run_directory


def set_aside_damaged(directory: run_directory.RunDirectory, say: Callable[[str], None]) -> None:
    """Makes the newest checkpoint that can be read the one to go on from.

    Where none can be read the newest stays, and whoever restores it says what is wrong with it.

    Args:
        directory: of the run.
        say: told of each checkpoint that is passed over.
    """
    latest = directory.latest_checkpoint()
    if latest is None:
        return
    state = tf.train.get_checkpoint_state(latest.rpartition("/")[0])
    newest_first = list(reversed(state.all_model_checkpoint_paths))
    readable = next((path for path in newest_first if _is_readable(path)), None)
    if readable is None or readable == latest:
        return
    passed_over = newest_first[: newest_first.index(readable)]
    for path in passed_over:
        say(f"the checkpoint {path} cannot be read; going on from the one before")
    tf.compat.v1.train.update_checkpoint_state(
        latest.rpartition("/")[0],
        readable,
        all_model_checkpoint_paths=newest_first[newest_first.index(readable) :][::-1],
    )


def newest_step(directory: run_directory.RunDirectory) -> int:
    """Returns the step of the newest checkpoint, 0 without one."""
    latest = directory.latest_checkpoint()
    return int(latest.rpartition("-")[2]) if latest else 0


def _is_readable(path: str) -> bool:
    """Whether every variable is there, with the checksum it was written with."""
    try:
        reader = tf.train.load_checkpoint(path)
        for name in reader.get_variable_to_shape_map():
            reader.get_tensor(name)
    except (tf.errors.OpError, RuntimeError, ValueError, IndexError):
        return False
    return True
