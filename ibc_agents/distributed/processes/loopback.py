"""Restricts the listening sockets of this process to the loopback device."""

from __future__ import annotations

import os
import socket
import stat

from ibc_agents.core import errors

_LOOPBACK_DEVICE = b"lo\0"


def restrict_to_loopback(port: int) -> None:
    """Blocks connections from other machines to a port of this process.

    The servers of Reverb and TensorFlow bind to all interfaces and have no option to change that.
    A socket that is bound to the loopback device receives no packets from other devices.

    Args:
        port: Port that this process listens on.

    Raises:
        RunError: If this process does not listen on the port, or the system refuses.
    """
    num_listeners = 0
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        try:
            is_socket = stat.S_ISSOCK(os.fstat(descriptor).st_mode)
            duplicate = os.dup(descriptor) if is_socket else None
        except OSError:  # Another thread has closed it.
            continue
        if duplicate is None:
            continue
        with socket.socket(fileno=duplicate) as candidate:
            if _listens_on(candidate, port):
                _bind_to_loopback(candidate)
                num_listeners += 1
    if not num_listeners:
        raise errors.RunError(f"this process does not listen on port {port}")


def _bind_to_loopback(listener: socket.socket) -> None:
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, _LOOPBACK_DEVICE)
    except OSError as error:
        raise errors.RunError(
            f"cannot restrict the server to this machine ({error.strerror}); Linux 5.7 or newer is "
            "required. Protect the port with a firewall and pass --public."
        ) from error


def _listens_on(candidate: socket.socket, port: int) -> bool:
    return (
        candidate.family in (socket.AF_INET, socket.AF_INET6)
        and bool(candidate.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
        and candidate.getsockname()[1] == port
    )
