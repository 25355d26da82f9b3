"""PyBullet without the messages that it prints on import and on connection."""

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
    """Discards the output of native code. PyBullet reports errors as exceptions."""
    flush_native = ctypes.CDLL(None).fflush

    def flush() -> None:
        # Buffered output belongs to the stream that it was written to.
        sys.stdout.flush()
        sys.stderr.flush()
        flush_native(None)

    flush()
    kept = [(stream, os.dup(stream)) for stream in (1, 2)]
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        for stream, _ in kept:
            os.dup2(null, stream)
        yield
    finally:
        flush()
        for stream, original in kept:
            os.dup2(original, stream)
            os.close(original)
        os.close(null)


with _silence():
    import pybullet
    from pybullet_utils import bullet_client


def connect() -> Any:
    """Returns a `BulletClient` of a new simulation in this process, without a window."""
    with _silence():
        return bullet_client.BulletClient(pybullet.DIRECT)
