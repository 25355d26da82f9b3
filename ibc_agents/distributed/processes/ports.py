"""Addresses and ports that a process listens on."""

from __future__ import annotations

import socket

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
    if not host or not port.isdigit() or not 0 < int(port) <= _LARGEST_PORT:
        raise errors.RunError(
            f"{address!r} is not an address. Use host:port with a port from 1 to {_LARGEST_PORT}."
        )
    return int(port)


def find_free_port() -> int:
    """Returns a port of this machine that no process listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
