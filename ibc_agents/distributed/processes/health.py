"""The HTTP endpoint that reports the health of a role or of a local job."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable

from ibc_agents.core import errors
from ibc_agents.distributed.processes import health_report, ports

# A probe of this path asks only whether the process answers.
ALIVE_PATH = "/alive"
_REQUEST_SECONDS = 5.0


class Health:
    """The health of a role; every thread may update it.

    Attributes:
        ready: Whether the role has started its work.
        step: Current train step; None if unknown.
        message: The newest log line.
        unreachable_servers: Addresses of the replay servers that do not answer.
    """

    def __init__(self, role: str) -> None:
        """Creates the health of a role that is not ready."""
        self._role = role
        self._last_contact: float | None = None
        self.ready = False
        self.step: int | None = None
        self.message = ""
        self.unreachable_servers: set[str] = set()

    def record_contact(self) -> None:
        """Records that the replay server has answered now."""
        self._last_contact = time.monotonic()

    def report(self) -> health_report.HealthReport:
        """Returns the content of the endpoint."""
        contact = self._last_contact
        return health_report.HealthReport(
            role=self._role,
            process=os.getpid(),
            ready=self.ready and not self.unreachable_servers,
            step=self.step,
            seconds_since_contact=None if contact is None else round(time.monotonic() - contact, 1),
            message=self.message,
        )


def serve(report: Callable[[], health_report.HealthReport], port: int, public: bool) -> None:
    """Serves reports in one thread, however many clients connect.

    The status is 200 if the report is ready and 503 otherwise. At `/alive` it is always 200.

    Args:
        report: Returns the current report.
        port: Port to listen on.
        public: Whether other machines may connect.

    Raises:
        RunError: If the port is in use.
    """
    try:
        listener = socket.create_server((ports.bind_address(public), port), backlog=128)
    except OSError as error:
        raise errors.RunError(
            f"cannot listen on port {port} ({error.strerror}). Choose another --health_port."
        ) from error
    thread = threading.Thread(target=asyncio.run, args=(_serve(report, listener),), daemon=True)
    thread.start()


async def _serve(report: Callable[[], health_report.HealthReport], listener: socket.socket) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A client that disconnects, sends no request or a long one gets no answer.
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with asyncio.timeout(_REQUEST_SECONDS):
                request = await reader.readuntil(b"\r\n\r\n")
                writer.write(make_answer(report(), request))
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, sock=listener)
    await server.serve_forever()


def make_answer(report: health_report.HealthReport, request: bytes) -> bytes:
    """Returns the HTTP answer to a request."""
    is_alive_probe = request.split(b" ")[1:2] == [ALIVE_PATH.encode()]
    status = "200 OK" if report.ready or is_alive_probe else "503 Service Unavailable"
    content = report.to_json()
    return (
        f"HTTP/1.0 {status}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\nConnection: close\r\n\r\n"
    ).encode() + content
