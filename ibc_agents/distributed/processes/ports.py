"""Addresses and ports that a process listens on."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

from ibc_agents.core import errors

_LARGEST_PORT = 65_535


def bind_address(public: bool) -> str:
    """Returns the IP address to bind to: all interfaces, or the loopback interface alone.

    Args:
        public: Whether other machines may connect.
    """
    return "0.0.0.0" if public else "127.0.0.1"


def parse_port(address: str) -> int:
    """Returns the port of an address `host:port`.

    Raises:
        RunError: If the address has another form or the port is out of range.
    """
    host, _, port = address.rpartition(":")
    is_number = port.isascii() and port.isdigit() and len(port) <= len(str(_LARGEST_PORT))
    if not host or not is_number or not 0 < int(port) <= _LARGEST_PORT:
        raise errors.RunError(
            f"{address!r} is not an address. Use host:port with a port from 1 to {_LARGEST_PORT}."
        )
    return int(port)


@contextlib.contextmanager
def hold_free_ports(count: int) -> Iterator[list[int]]:
    """Holds free ports of this machine for servers of child processes.

    During the block, the system gives none of these ports to another process. A server with
    SO_REUSEADDR, which all servers of this project set, can listen on them nevertheless.

    Args:
        count: Number of ports.

    Yields:
        The ports.
    """
    with contextlib.ExitStack() as stack:
        yield [_hold_free_port(stack.enter_context(socket.socket())) for _ in range(count)]


def _hold_free_port(holder: socket.socket) -> int:
    holder.bind(("", 0))
    # After the choice of the port, which could otherwise be one that another process holds.
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return holder.getsockname()[1]
