"""Files that appear whole or not at all, and failures of the disk as sentences."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from data.errors import DataError


def write_json(path: pathlib.Path, content: dict[str, Any]) -> None:
    """Writes JSON: whole or not at all, and on the disk when this returns.

    Raises:
        OSError: it cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    with open(partial, "w", encoding="utf-8") as file:
        file.write(json.dumps(content, indent=2, sort_keys=True) + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


def fsync(path: str | os.PathLike) -> None:
    """Returns when a file, or the list of a folder's names, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def disk_errors(folder: str | os.PathLike) -> Iterator[None]:
    """Turns a failure of the disk into a sentence about the dataset `folder`.

    Raises:
        DataError: naming the folder and what the system said.
    """
    try:
        yield
    except OSError as error:
        raise _failure(folder, error.strerror) from error
    except tf.errors.OpError as error:
        raise _failure(folder, str(error.message).rsplit(";", 1)[-1].strip()) from error


def _failure(folder: str | os.PathLike, reason: str) -> DataError:
    return DataError(
        f"{folder}: cannot be written ({reason}); free the disk or name another folder."
    )
