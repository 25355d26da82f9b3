"""Addresses, and who may connect to what this process listens at."""

from __future__ import annotations

import os
import socket
import stat

from ibc_agents.core import errors

_LOOPBACK_DEVICE = b"lo\0"
_LARGEST_PORT = 65_535


def interface(public: bool) -> str:
    """Returns the address to listen at: all of this machine's, or its loopback one."""
    return "0.0.0.0" if public else "127.0.0.1"


def port_of(address: str) -> int:
    """Returns the port of `host:port`.

    Raises:
        RunError: if it is none.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) <= _LARGEST_PORT:
        raise errors.RunError(f"{address} is no address of a replay server; write host:port.")
    return int(port)


def free_port() -> int:
    """Returns a port of this machine that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def check_free(port: int) -> None:
    """Finds out, before anything takes long, whether a server can listen at a port.

    Raises:
        RunError: if another process does.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError as error:
            raise errors.RunError(
                f"Cannot listen at port {port} ({error.strerror}); does another process of a job "
                "run there? Stop it, or name another port."
            ) from error


def keep_local(port: int) -> None:
    """Lets only this machine connect to what this process listens at, though it said otherwise.

    Reverb's servers listen on all interfaces and cannot be told not to. Their sockets, bound to the
    loopback device, no longer answer the others.

    Raises:
        RunError: if the system does not allow that, or nothing listens there.
    """
    listeners = 0
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        try:
            is_socket = stat.S_ISSOCK(os.fstat(descriptor).st_mode)
            copy = os.dup(descriptor) if is_socket else None
        except OSError:  # closed meanwhile
            continue
        if copy is None:
            continue
        with socket.socket(fileno=copy) as found:
            if _listens_at(found, port):
                _bind_to_loopback(found)
                listeners += 1
    if not listeners:
        raise errors.RunError(f"Nothing listens at port {port}.")


def _bind_to_loopback(listener: socket.socket) -> None:
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, _LOOPBACK_DEVICE)
    except OSError as error:
        raise errors.RunError(
            f"This system does not let Reverb be kept to this machine ({error.strerror}; Linux 5.7 "
            "or newer does). Fence the port by other means, and say so with --public."
        ) from error


def _listens_at(found: socket.socket, port: int) -> bool:
    return (
        found.family in (socket.AF_INET, socket.AF_INET6)
        and bool(found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
        and found.getsockname()[1] == port
    )
