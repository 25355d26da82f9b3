"""The report of a role's health, and its transfer over HTTP."""

from __future__ import annotations

import dataclasses
import json
import socket
import time

_REQUEST = b"GET / HTTP/1.0\r\n\r\n"
_END_OF_HEADERS = b"\r\n\r\n"
_LARGEST_ANSWER_BYTES = 1 << 16


@dataclasses.dataclass(frozen=True)
class HealthReport:
    """The health of a role.

    Attributes:
        role: Name of the role.
        process: Identifier of its process.
        ready: Whether it has started its work, and all replay servers answer.
        step: Current train step; None if unknown.
        seconds_since_contact: Time since the replay server has answered; None before that.
        message: The newest log line.
    """

    role: str
    process: int
    ready: bool
    step: int | None
    seconds_since_contact: float | None
    message: str

    def to_json(self) -> bytes:
        """Returns the report as a line of JSON."""
        return json.dumps(dataclasses.asdict(self)).encode() + b"\n"

    @classmethod
    def from_answer(cls, answer: bytes) -> HealthReport | None:
        """Returns the report in an HTTP answer; None if the answer has another form.

        Args:
            answer: All bytes of the answer.
        """
        _, _, content = answer.partition(_END_OF_HEADERS)
        try:
            fields = json.loads(content)
        except (ValueError, RecursionError):
            return None
        if not isinstance(fields, dict) or fields.keys() != _TYPES.keys():
            return None
        if not all(type(fields[name]) in types for name, types in _TYPES.items()):
            return None
        return cls(**fields)


_TYPES: dict[str, tuple[type, ...]] = {
    "role": (str,),
    "process": (int,),
    "ready": (bool,),
    "step": (int, type(None)),
    "seconds_since_contact": (float, int, type(None)),
    "message": (str,),
}


def fetch(port: int, seconds: float) -> HealthReport | None:
    """Asks a health endpoint of this machine.

    Args:
        port: Port of the endpoint.
        seconds: Longest duration of the whole exchange.

    Returns:
        The report; None if there is no complete answer, or not that of an endpoint.
    """
    deadline = time.monotonic() + seconds
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
            connection.sendall(_REQUEST)
            return HealthReport.from_answer(_receive(connection, deadline))
    except OSError:
        return None


def _receive(connection: socket.socket, deadline: float) -> bytes:
    """Returns all bytes up to the end of a connection.

    Raises:
        OSError: If they are too many or late.
    """
    received = b""
    while len(received) <= _LARGEST_ANSWER_BYTES:
        # A remaining time of 0 would make the socket non-blocking.
        connection.settimeout(max(1e-3, deadline - time.monotonic()))
        block = connection.recv(_LARGEST_ANSWER_BYTES)
        if not block:
            return received
        received += block
        if time.monotonic() > deadline:
            raise TimeoutError
    raise OSError("the answer is too long")
