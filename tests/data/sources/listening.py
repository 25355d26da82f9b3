"""Which ports a process listens on, by /proc/net/tcp, and which other machines can reach."""

import contextlib
import os
import pathlib
import re
import socket
import subprocess

_LISTEN = "0A"


def free_port():
    """Returns a port that no process listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listening_ports(pid):
    """Returns the TCP ports that a process listens on."""
    sockets = {
        match[1]
        for link in pathlib.Path(f"/proc/{pid}/fd").iterdir()
        if (match := re.fullmatch(r"socket:\[(\d+)\]", _target(link)))
    }
    found = set()
    for table in ("tcp", "tcp6"):
        for line in pathlib.Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTEN and fields[9] in sockets:
                found.add(int(fields[1].rpartition(":")[2], 16))
    return found


def reachable_ports(pid):
    """Returns the ports of a process that accept connections to an address beside loopback."""
    addresses = other_addresses()
    return {p for p in listening_ports(pid) for address in addresses if answers(address, p)}


def unrestricted_ports():
    """Returns the ports of this process whose sockets accept packets of all network devices."""
    found = set()
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        if not _target(f"/proc/self/fd/{descriptor}").startswith("socket:"):
            continue
        with socket.socket(fileno=os.dup(descriptor)) as candidate:
            if (
                candidate.family in (socket.AF_INET, socket.AF_INET6)
                and candidate.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
                and candidate.getsockname()[0] not in ("127.0.0.1", "::1")
                and not candidate.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16)
            ):
                found.add(candidate.getsockname()[1])
    return found


def answers(host, port):
    """Whether a connection succeeds."""
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=2):
        return True
    return False


def _target(link):
    with contextlib.suppress(OSError):  # The descriptor was that of the listing.
        return os.readlink(link)
    return ""


def other_addresses():
    """Returns the IPv4 addresses of this machine except loopback."""
    found = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=True)
    return [address for address in found.stdout.split() if ":" not in address]
