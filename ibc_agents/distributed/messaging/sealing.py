"""Messages with a digest, so that damaged and foreign ones are recognized."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from ibc_agents.core import version

_DIGEST_BYTES = hashlib.sha256().digest_size


class ForeignMessage(Exception):
    """This release of ibc_agents has not written the message."""


def seal(message: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Appends the digest of a message, uint8 [32].

    Args:
        message: Arrays of any shapes and dtypes.
    """
    return [*message, np.frombuffer(digest(message), np.uint8)]


def unseal(sealed: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Returns the message of `seal`.

    Args:
        sealed: The message and its digest.

    Raises:
        ForeignMessage: If the message is damaged, or of another program or release.
    """
    if not sealed:
        raise ForeignMessage
    *message, expected = sealed
    is_digest = expected.dtype == np.uint8 and expected.shape == (_DIGEST_BYTES,)
    if not is_digest or expected.tobytes() != digest(message):
        raise ForeignMessage
    return message


def digest(message: Sequence[np.ndarray]) -> bytes:
    """Returns a hash of arrays, their shapes and dtypes, and of the release."""
    content = hashlib.sha256(version.__version__.encode())
    for array in message:
        contiguous = np.ascontiguousarray(array)
        content.update(f"{array.dtype.str}{array.shape}".encode())
        content.update(contiguous.view(np.uint8).data if array.size else b"")
    return content.digest()
