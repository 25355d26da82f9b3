"""Files: atomic writing, guarded reading, and disk failures as errors that the user can fix."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import pathlib
import re
import shutil
import stat
from collections.abc import Iterator
from typing import Any

from ibc_agents.core import errors

# Far above any file that the project reads as a whole.
_MAX_BYTES = 256 << 20

_PROBE_BYTES = 4096  # enough to detect a full disk

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/")

_NO_FILES = {
    stat.S_IFDIR: "it is a folder",
    stat.S_IFIFO: "it is a pipe",
    stat.S_IFSOCK: "it is a socket",
    stat.S_IFCHR: "it is a device",
    stat.S_IFBLK: "it is a device",
}


def local_path(
    path: str | os.PathLike, error_class: type[errors.UserError] = errors.RunError
) -> pathlib.Path:
    """Returns a path of this machine, with the home folder in place of `~`.

    Args:
        path: A path, relative or absolute.
        error_class: Class of the error to raise.

    Raises:
        UserError: If it is empty, a URL, or in the home of a user that does not exist; of
            `error_class`.

    Examples:
        >>> local_path("gs://bucket/run")
        Traceback (most recent call last):
            ...
        ibc_agents.core.errors.RunError: gs://bucket/run is a URL, and object stores are not \
supported. Use a path of this machine, such as a mounted bucket.
    """
    text = os.fspath(path)
    if not text:
        raise error_class("a path is empty. Write . for the current folder.")
    if is_url(text):
        raise error_class(
            f"{text} is a URL, and object stores are not supported. Use a path of this machine, "
            "such as a mounted bucket."
        )
    expanded = os.path.expanduser(text)
    if expanded.startswith("~"):
        user = text.partition("/")[0]
        raise error_class(f"{text}: {user} has no home folder. Write ./{text} for a folder.")
    return pathlib.Path(expanded)


def is_url(path: str) -> bool:
    """Returns whether a path begins with the scheme of a URL, such as `gs://`."""
    return bool(_URL.match(path))


def make_writable(folder: str | os.PathLike) -> None:
    """Creates a folder if it is missing, and checks that files can be written to it.

    Args:
        folder: The folder.

    Raises:
        OSError: If they cannot, for example because the disk is full.
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    probe = folder / f".probe-{os.getpid()}"
    try:
        probe.write_bytes(bytes(_PROBE_BYTES))
    finally:
        probe.unlink(missing_ok=True)


def prepare_output(
    path: str | os.PathLike, error_class: type[errors.UserError] = errors.RunError
) -> None:
    """Checks that a file can be written, before the work whose result it will contain.

    Its folder is created if it is missing.

    Args:
        path: The file. It is replaced if it exists.
        error_class: Class of the error to raise.

    Raises:
        UserError: If the file cannot be written; of `error_class`.
    """
    path = local_path(path)
    if path.is_dir():
        raise error_class(f"{path} is a folder. Name a file.")
    with report_disk_errors(path, error_class):
        make_writable(path.parent)


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Replaces a file atomically with what the block writes.

    The block writes to the yielded path in the same folder. When it ends without an error, that
    file is flushed to the disk and renamed to `path`; otherwise it is removed. After a power
    failure, the old or the new file is there, whole.

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
        move_into_place(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def move_into_place(written: str | os.PathLike, path: str | os.PathLike) -> None:
    """Renames a file that is complete, so that `path` is complete also after a power failure.

    Args:
        written: The file.
        path: Its new path, in the same file system. An existing file is replaced.

    Raises:
        OSError: If it cannot be flushed or renamed.
    """
    fsync(written)
    os.replace(written, path)
    fsync(pathlib.Path(path).parent)


@contextlib.contextmanager
def replacing_folder(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Replaces a folder with what the block writes, which is complete when it appears.

    The block writes to the yielded path, a missing folder beside `path`. When the block ends
    without an error, all files in it are flushed to the disk and the folder is renamed; otherwise
    it is removed. If the process is killed in between the folder may be missing.

    Args:
        path: Folder to create or replace.

    Yields:
        The path to write to.

    Raises:
        OSError: If a file cannot be written.
    """
    path = pathlib.Path(path)
    partial, old = (path.with_name(f".{path.name}.{kind}") for kind in ("partial", "old"))
    for leftover in (partial, old):
        shutil.rmtree(leftover, ignore_errors=True)
    try:
        yield partial
        for written in (*partial.rglob("*"), partial):
            fsync(written)
        if path.exists():
            path.rename(old)
        partial.rename(path)
        fsync(path.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)


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


def open_file(path: str | os.PathLike) -> io.BufferedReader:
    """Opens a regular file to read its bytes. It does not wait for the writer of a pipe.

    Args:
        path: The file, or a link to it.

    Raises:
        OSError: If it is absent, not a regular file, or cannot be opened. `strerror` states why.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except ValueError as error:  # A null byte in the path.
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path)) from error
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        reason = _NO_FILES[stat.S_IFMT(mode)]
        raise OSError(errno.EINVAL, reason, str(path))
    return open(descriptor, "rb")


def read_bytes(path: str | os.PathLike, max_bytes: int = _MAX_BYTES) -> bytes:
    """Returns the content of a regular file.

    Args:
        path: The file, or a link to it.
        max_bytes: Largest accepted length.

    Raises:
        OSError: As `open_file`, or if the file is longer. `strerror` states why.
    """
    with open_file(path) as file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise OSError(errno.EFBIG, f"it has more than {max_bytes} bytes", str(path))
    return content


def read_json(path: str | os.PathLike) -> Any:
    """Returns the value in a JSON file.

    Args:
        path: The file, or a link to it.

    Raises:
        OSError: As `read_bytes`. `strerror` states why.
        ValueError: If the content is not JSON, or not UTF-8.
    """
    content = read_bytes(path)
    try:
        return json.loads(content.decode("utf-8"))
    except RecursionError as error:
        raise ValueError("the values are nested too deeply") from error


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
