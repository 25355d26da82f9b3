"""A lock file that one process at a time holds, on one machine or on a shared disk."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import pathlib
import socket
import time
from collections.abc import Callable, Iterator

from ibc_agents.core import errors, files

# Raised by file systems without locks.
_UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
_MAX_HOLDER_BYTES = 200


class LockedError(Exception):
    """Another process holds the lock.

    Attributes:
        holder: The process, in words.
    """

    def __init__(self, holder: str):
        """Creates the error."""
        super().__init__(f"locked by {holder}")
        self.holder = holder


@contextlib.contextmanager
def hold(path: pathlib.Path, on_wait: Callable[[str], None] | None = None) -> Iterator[None]:
    """Holds a lock during the block.

    The lock ends with its process, however that ends. The file names the process, and is removed
    with the lock. On a file system without locks, the block runs without one.

    Args:
        path: The lock file. Its folder must exist.
        on_wait: Called with the other process, in words, before waiting for it. None does not wait.

    Raises:
        LockedError: If another process, or another block of this one, holds the lock.
        RunError: If the file cannot be written.
    """
    with files.report_disk_errors(path):
        descriptor = _acquire(path, on_wait)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()
        os.close(descriptor)


@contextlib.contextmanager
def hold_root_dir(root_dir: pathlib.Path, role: str = "run") -> Iterator[None]:
    """Holds the root_dir of a run during the block, so that no other run writes to it.

    Args:
        root_dir: The folder.
        role: Role in a distributed job, whose roles each hold their part.

    Raises:
        RunError: If another process holds it; the message names that process.
    """
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(hold(root_dir / f".lock-{role}"))
        except LockedError as error:
            raise errors.RunError(
                f"{root_dir} is in use by {error.holder}. Wait until that run has finished, stop "
                "it, or choose another --root_dir."
            ) from error
        yield


def _acquire(path: pathlib.Path, on_wait: Callable[[str], None] | None) -> int:
    """Returns the descriptor that holds the lock."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK, 0o644)
        try:
            if _lock(descriptor, on_wait):
                on_wait = _say_no_more
            if _is_at(path, descriptor):
                os.truncate(descriptor, 0)
                os.pwrite(descriptor, _describe_this_process().encode(), 0)
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _say_no_more(holder: str) -> None:
    """Replaces `on_wait` after its first call."""


def _lock(descriptor: int, on_wait: Callable[[str], None] | None) -> bool:
    """Locks a file; returns whether it had to wait."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        content = os.pread(descriptor, _MAX_HOLDER_BYTES, 0).decode("utf-8", "replace")
        holder = content if content.isprintable() and content else "another process"
        if on_wait is None:
            raise LockedError(holder) from None
        on_wait(holder)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return True
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
    return False


def _is_at(path: pathlib.Path, descriptor: int) -> bool:
    """Returns whether a file is still there; its last holder may have removed it."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _describe_this_process() -> str:
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    return f"process {os.getpid()} on {socket.gethostname()}, since {since}"
