"""Atomic file writing, and disk failures as errors that the user can fix."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
from collections.abc import Iterator
from typing import Any

from ibc_agents.core import errors


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Replaces a file atomically with what the block writes.

    The block writes to the yielded path in the same folder. When it ends without an error, that
    file is flushed to the disk and renamed to `path`; otherwise it is removed.

    Args:
        path: File to create or replace.

    Yields:
        The path to write to, with the suffix of `path`.

    Raises:
        OSError: If the file cannot be written.
    """
    path = pathlib.Path(path)
    partial = path.with_name(f".{path.name}.partial{path.suffix}")
    try:
        yield partial
        fsync(partial)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_json(path: str | os.PathLike, content: dict[str, Any], sort_keys: bool = False) -> None:
    """Writes a JSON file atomically.

    Args:
        path: File to create or replace.
        content: Values of JSON types.
        sort_keys: Whether to sort the keys of all dictionaries.

    Raises:
        OSError: If the file cannot be written.
    """
    with replacing(path) as partial:
        text = json.dumps(content, indent=2, sort_keys=sort_keys)
        partial.write_text(text + "\n", encoding="utf-8")


def fsync(path: str | os.PathLike) -> None:
    """Flushes a file, or the entries of a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def report_disk_errors(
    target: str | os.PathLike, error_class: type[errors.UserError] = errors.RunError
) -> Iterator[None]:
    """Converts disk failures in the block to an error that the user can fix.

    Args:
        target: What the block writes: a path, or words such as "the checkpoint of step 40".
        error_class: Class of the error to raise.

    Raises:
        UserError: If the block raised an OSError or a `tf.errors.OpError`; of `error_class`.
    """
    try:
        yield
    except OSError as error:
        raise disk_error(target, error, error_class) from error
    except Exception as error:
        # Commands import this module before they silence TensorFlow's startup logs.
        import tensorflow as tf

        if not isinstance(error, tf.errors.OpError):
            raise
        raise disk_error(target, error, error_class) from error


def disk_error(
    target: str | os.PathLike,
    cause: Exception,
    error_class: type[errors.UserError] = errors.RunError,
) -> errors.UserError:
    """Returns the error to raise if `target` cannot be written.

    Args:
        target: What cannot be written: a path or words.
        cause: The OSError or `tf.errors.OpError` that was raised.
        error_class: Class of the error.

    Examples:
        >>> raise disk_error("/data/run", OSError(28, "No space left on device"))
        Traceback (most recent call last):
            ...
        ibc_agents.core.errors.RunError: cannot write /data/run (No space left on device). Free \
disk space or choose another folder, then run the same command again.
    """
    return error_class(
        f"cannot write {target} ({_reason(cause)}). Free disk space or choose another folder, then "
        "run the same command again."
    )


def _reason(cause: Exception) -> str:
    if isinstance(cause, OSError):
        return cause.strerror or str(cause).partition("\n")[0].strip()
    # TensorFlow: "… {{node save}} /the/file; No space left on device [Op:SaveV2]", which can be
    # any of several lines.
    message = cause.message  # type: ignore[attr-defined]
    after_files = re.findall(r";\s*([^;\[\n]+)", message)
    return after_files[-1].strip() if after_files else message.partition("\n")[0]
