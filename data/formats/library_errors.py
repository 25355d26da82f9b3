"""Errors of other libraries as errors that the user can fix."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import tensorflow as tf

from data.errors import DataError


@contextlib.contextmanager
def report_missing_library() -> Iterator[None]:
    """Converts a failed import of a library that only one format needs.

    Raises:
        DataError: If a library is missing. The message says how to install it.
    """
    try:
        yield
    except ImportError as error:
        raise DataError(
            f"{error.name or error} is not installed; install it with: "
            "pip install 'ibc-agents[d4rl]'"
        ) from error


@contextlib.contextmanager
def report_unreadable(source: str, kind: str) -> Iterator[None]:
    """Converts what a library raises if it cannot read a file.

    Args:
        source: The file or folder.
        kind: What it should be, such as "a local Minari dataset".

    Raises:
        DataError: If the block raises an error of the library or the file system. The message
            contains the library's message.
    """
    try:
        yield
    except DataError:
        raise
    except FileNotFoundError as error:
        raise DataError(f"{source}: no such file or folder; name {kind}.") from error
    except (OSError, KeyError, ValueError, AssertionError, tf.errors.OpError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{source}: cannot be read as {kind} ({reason}).") from error
