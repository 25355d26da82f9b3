"""What a role tells of itself, over HTTP."""

from __future__ import annotations

import http.server
import json
import threading
import time
from typing import Any

from ibc_agents.core import errors
from ibc_agents.distributed.processes import listening


class Health:
    """Readiness, last step and last contact with the replay server; any thread may set them.

    Attributes:
        ready: whether the role does its work, as soon as it has all the servers that it needs.
        step: the train step it is at, None before it knows one.
        says: its newest log line.
        missing: addresses of the replay servers that are gone.
    """

    def __init__(self, role: str) -> None:
        """Begins as not ready."""
        self._role = role
        self._contact: float | None = None
        self.ready = False
        self.step: int | None = None
        self.says = ""
        self.missing: set[str] = set()

    def touch(self) -> None:
        """Takes note of a contact with the replay server."""
        self._contact = time.monotonic()

    def report(self) -> dict[str, Any]:
        """Returns what the endpoint tells, of JSON types."""
        contact = self._contact
        return {
            "role": self._role,
            "ready": self.ready and not self.missing,
            "step": self.step,
            "seconds_since_contact": (
                None if contact is None else round(time.monotonic() - contact, 1)
            ),
            "says": self.says,
        }


def serve(health: Health, port: int, public: bool) -> None:
    """Answers every GET with the report, with status 200 if the role is ready and 503 otherwise.

    Args:
        health: what is told.
        port: to listen at.
        public: whether other machines may ask.

    Raises:
        RunError: if the port is taken.
    """

    class Handler(http.server.BaseHTTPRequestHandler):
        """Answers with what `health` says at that moment."""

        def do_GET(self) -> None:
            report = health.report()
            content = json.dumps(report).encode() + b"\n"
            self.send_response(200 if report["ready"] else 503)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing: probes come every few seconds."""

    try:
        server = _Server((listening.interface(public), port), Handler)
    except OSError as error:
        raise errors.RunError(
            f"Cannot listen at port {port} for --health_port ({error.strerror}); name another one."
        ) from error
    threading.Thread(target=server.serve_forever, daemon=True).start()


class _Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing: whoever asked has not waited for the answer."""
