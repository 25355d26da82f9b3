"""A port that is held for a server which cannot choose its network interface itself."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import stat
import threading
from collections.abc import Iterator

from ibc_agents.core import errors

_LOOPBACK_DEVICE = b"lo\0"
_FIRST_WAIT_SECONDS = 0.001
_LONGEST_WAIT_SECONDS = 1.0


class ServerPort:
    """A port that only this process can listen on, and other machines only reach if it is public.

    The gRPC servers of Reverb and TensorFlow bind to all interfaces, and two of Reverb can share a
    port, each with half of the connections. This object therefore holds the port from its
    construction until such a server listens. It restricts the sockets of the server to the loopback
    device as soon as they exist, and closes connections of other machines that were faster.
    """

    def __init__(self, port: int = 0, public: bool = False) -> None:
        """Holds a port.

        Args:
            port: The port; 0 for any free one.
            public: Whether other machines may connect.

        Raises:
            RunError: If another process listens on the port, or the system cannot restrict it.
        """
        self._public = public
        self._holder = socket.socket()
        # Connections to an earlier server on this port may not have expired yet.
        self._holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._holder.bind(("", port))
            # Of two sockets with SO_REUSEADDR only one can listen.
            self._holder.listen()
        except OSError as error:
            self._holder.close()
            raise errors.RunError(
                f"cannot listen on port {port} ({error.strerror}). Stop the process that uses it, "
                "for example another job, or choose another port."
            ) from error
        self.number = self._holder.getsockname()[1]
        if not public:
            self._restrict(self._holder)

    @contextlib.contextmanager
    def hand_over(self) -> Iterator[int]:
        """Passes the port to a server that the block starts.

        Yields:
            The port.

        Raises:
            RunError: If the block has started no server on it.
        """
        # It no longer listens but keeps the port, which only a socket with SO_REUSEADDR can share.
        self._holder.shutdown(socket.SHUT_RDWR)
        has_started = threading.Event()
        # A server of TensorFlow listens while its constructor waits for those of other processes.
        watcher = threading.Thread(target=self._watch, args=(has_started,), daemon=True)
        watcher.start()
        try:
            yield self.number
        finally:
            has_started.set()
            watcher.join()
            is_served = self._take_over()
            self._holder.close()
        if not is_served:
            raise errors.RunError(f"this process does not listen on port {self.number}")

    def close(self) -> None:
        """Releases the port if no server has taken it over."""
        self._holder.close()

    def _watch(self, has_started: threading.Event) -> None:
        seconds = _FIRST_WAIT_SECONDS
        while not has_started.wait(seconds):
            seconds = min(2 * seconds, _LONGEST_WAIT_SECONDS)
            self._take_over()

    def _take_over(self) -> bool:
        """Restricts the sockets of a server; returns whether there is one."""
        is_served = False
        for candidate in _sockets_of_port(self.number):
            with candidate:
                if _is_listening(candidate):
                    is_served = True
                    if not self._public:
                        self._restrict(candidate)
                elif not self._public and not _has_local_peer(candidate):
                    with contextlib.suppress(OSError):  # The other machine has disconnected.
                        candidate.shutdown(socket.SHUT_RDWR)
        return is_served

    def _restrict(self, listener: socket.socket) -> None:
        """Binds a listening socket to the loopback device: no other device reaches it then."""
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, _LOOPBACK_DEVICE)
        except OSError as error:
            self._holder.close()
            raise errors.RunError(
                f"cannot restrict port {self.number} to this machine ({error.strerror}), which "
                "requires Linux 5.7 or newer. Train without Reverb: "
                "--gin_bindings='Experiment.source = @InMemorySource()'. For a job, protect the "
                "ports with a firewall and pass --public."
            ) from error


def _sockets_of_port(port: int) -> Iterator[socket.socket]:
    """Yields a duplicate of each TCP socket of this process whose own port is `port`."""
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        try:
            is_socket = stat.S_ISSOCK(os.fstat(descriptor).st_mode)
            candidate = socket.socket(fileno=os.dup(descriptor)) if is_socket else None
        except OSError:  # Another thread has closed it.
            continue
        if candidate is None:
            continue
        if candidate.family in (socket.AF_INET, socket.AF_INET6):
            with contextlib.suppress(OSError):
                if candidate.getsockname()[1] == port:
                    yield candidate
                    continue
        candidate.close()


def _is_listening(candidate: socket.socket) -> bool:
    return bool(candidate.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def _has_local_peer(connection: socket.socket) -> bool:
    try:
        peer = ipaddress.ip_address(connection.getpeername()[0])
    except OSError:  # It is not connected.
        return True
    mapped = peer.ipv4_mapped if isinstance(peer, ipaddress.IPv6Address) else None
    return (mapped or peer).is_loopback
