"""Connects to ports of this machine, by its loopback and its other addresses."""

import contextlib
import socket
import subprocess


def other_addresses():
    """Returns the IPv4 addresses of this machine except loopback."""
    found = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=True)
    return [address for address in found.stdout.split() if ":" not in address]


def answers(host, port):
    """Whether a connection succeeds."""
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=2):
        return True
    return False
