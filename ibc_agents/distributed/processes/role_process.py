"""The process of a role: its log, its health and its exit."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from typing import NoReturn

from ibc_agents.distributed.processes import health as health_lib
from ibc_agents.distributed.processes import shutdown as shutdown_lib

# EX_TEMPFAIL of sysexits.h: the same command may succeed later.
TEMPORARY_FAILURE = 75


class RoleProcess:
    """The process that runs a role.

    Attributes:
        name: Name of the role.
        health: State that the health endpoint reports.
        shutdown: Handler of the signals that stop the process.
    """

    def __init__(
        self, name: str, health_port: int | None, public: bool, grace_seconds: float
    ) -> None:
        """Installs the signal handlers and starts the health endpoint.

        Args:
            name: Name of the role.
            health_port: Port of the HTTP health endpoint; None for no endpoint.
            public: Whether other machines may connect to the endpoint.
            grace_seconds: Time from SIGTERM to a forced exit, in seconds.

        Raises:
            RunError: If the port is in use.
        """
        self.name = name
        self.health = health_lib.Health(name)
        if health_port is not None:
            health_lib.serve(self.health.report, health_port, public)
        # TensorFlow writes the source of traced functions there, and `exit` runs no exit handlers.
        self._temporary = tempfile.mkdtemp(prefix=f"ibc_agents-{name}-")
        tempfile.tempdir = self._temporary
        self.shutdown = shutdown_lib.ShutdownHandler(grace_seconds, self.exit)

    def log(self, text: str) -> None:
        """Prints a line with the time and the role."""
        self.health.message = text
        print(f"{time.strftime('%H:%M:%S')} {self.name}: {text}", flush=True)

    def abort(self, message: str) -> NoReturn:
        """Exits with `TEMPORARY_FAILURE`, from any thread.

        Args:
            message: What failed and how to fix it.
        """
        self.log(f"giving up: {message}")
        print(f"error: {message}", file=sys.stderr, flush=True)
        self.exit(TEMPORARY_FAILURE)

    def exit(self, exit_code: int) -> NoReturn:
        """Exits at once, from any thread; it does not wait for threads in native code."""
        shutil.rmtree(self._temporary, ignore_errors=True)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(exit_code)
