"""Files that appear whole or not at all, and failures of the disk as sentences."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
from collections.abc import Iterator

import tensorflow as tf

from ibc_agents.core import errors


@contextlib.contextmanager
def writing(path: str | os.PathLike) -> Iterator[None]:
    """Turns a failure to write `path` into a sentence.

    Raises:
        RunError: naming the path and what the system said.
    """
    try:
        yield
    except (OSError, tf.errors.OpError) as error:
        raise failure(path, error) from error


def failure(path: str | os.PathLike, error: OSError | tf.errors.OpError) -> errors.RunError:
    """Returns what to raise when `path` cannot be written because of `error`."""
    return errors.RunError(
        f"Cannot write {path} ({_reason(error)}). Make room there or choose another place, then "
        "start the same command again."
    )


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Gives a path beside `path`; what is written there replaces `path` when the block ends well.

    Raises:
        RunError: if it cannot be written.
    """
    path = pathlib.Path(path)
    partial = path.with_name(f".{path.stem}.partial{path.suffix}")
    with writing(path):
        try:
            yield partial
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)


def _reason(error: OSError | tf.errors.OpError) -> str:
    if isinstance(error, tf.errors.OpError):
        # "… {{node save}} /the/file; No space left on device [Op:SaveV2]", on any of several lines.
        after_files = re.findall(r";\s*([^;\[\n]+)", error.message)
        return after_files[-1].strip() if after_files else error.message.partition("\n")[0]
    return error.strerror or str(error).partition("\n")[0].strip()
