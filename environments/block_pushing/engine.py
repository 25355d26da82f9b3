"""PyBullet without its greetings, which would stand among a command's own few lines."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator
from typing import Any

__all__ = ["connect", "pybullet"]


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Sends what native code prints meanwhile to nowhere; errors are raised, not printed."""
    flush_native = ctypes.CDLL(None).fflush

    def flush() -> None:
        # What waits in a buffer goes where it was meant to go when it was written.
        sys.stdout.flush()
        sys.stderr.flush()
        flush_native(None)

    flush()
    kept = [(stream, os.dup(stream)) for stream in (1, 2)]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for stream, _ in kept:
            os.dup2(nowhere, stream)
        yield
    finally:
        flush()
        for stream, original in kept:
            os.dup2(original, stream)
            os.close(original)
        os.close(nowhere)


with _silence():
    import pybullet
    from pybullet_utils import bullet_client


def connect() -> Any:
    """Returns a `BulletClient` to a simulation of its own, in this process and without a window."""
    with _silence():
        return bullet_client.BulletClient(pybullet.DIRECT)
