"""The HTTP endpoint that reports the health of a role."""

from __future__ import annotations

import http.server
import json
import threading
import time
from typing import Any

from ibc_agents.core import errors
from ibc_agents.distributed.processes import ports


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

    def report(self) -> dict[str, Any]:
        """Returns the content of the endpoint, of JSON types."""
        contact = self._last_contact
        return {
            "role": self._role,
            "ready": self.ready and not self.unreachable_servers,
            "step": self.step,
            "seconds_since_contact": (
                None if contact is None else round(time.monotonic() - contact, 1)
            ),
            "message": self.message,
        }


def serve(health: Health, port: int, public: bool) -> None:
    """Serves reports in a thread: status 200 if the role is ready, 503 otherwise.

    Args:
        health: Health to report.
        port: Port to listen on.
        public: Whether other machines may connect.

    Raises:
        RunError: If the port is in use.
    """

    class Handler(http.server.BaseHTTPRequestHandler):
        """Answers every GET request with the current report."""

        def do_GET(self) -> None:
            report = health.report()
            content = json.dumps(report).encode() + b"\n"
            self.send_response(200 if report["ready"] else 503)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Drops the line: probes arrive every few seconds."""

    try:
        server = _Server((ports.bind_address(public), port), Handler)
    except OSError as error:
        raise errors.RunError(
            f"cannot listen on port {port} ({error.strerror}). Choose another --health_port."
        ) from error
    threading.Thread(target=server.serve_forever, daemon=True).start()


class _Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignores clients that disconnect before the answer."""
