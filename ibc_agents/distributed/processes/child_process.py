"""A role in a child process, as its supervisor sees it."""

from __future__ import annotations

import contextlib
import ctypes
import pathlib
import signal
import subprocess
import sys
from collections.abc import Sequence

from ibc_agents.distributed.processes import health_report

_PR_SET_PDEATHSIG = 1
_HEALTH_TIMEOUT_SECONDS = 2.0
_ERROR_PREFIX = "error: "
# Loaded here because a forked child should run as little code as possible.
_LIBC = ctypes.CDLL(None)


class ChildProcess:
    """A process that runs a role, with its log file and its health endpoint.

    The child has its own session, so that Ctrl-C reaches only the supervisor. It receives
    SIGTERM when the supervisor dies.
    """

    def __init__(self, arguments: Sequence[str], log: pathlib.Path, health_port: int) -> None:
        """Starts the process.

        Args:
            arguments: Arguments of `python -m ibc_agents.distributed`, without --health_port.
            log: File to append the output to.
            health_port: Port of the health endpoint.
        """
        self._health_port = health_port
        self._log = log
        with open(log, "ab") as output:
            self._log_start = output.tell()
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "ibc_agents.distributed",
                    *arguments,
                    f"--health_port={health_port}",
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_terminate_with_parent,
            )

    @property
    def pid(self) -> int:
        """Process identifier."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Exit code; None while the process runs, negative if a signal ended it."""
        return self._process.poll()

    def health(self) -> health_report.HealthReport | None:
        """Returns the report of the health endpoint; None if this process does not answer."""
        report = health_report.fetch(self._health_port, _HEALTH_TIMEOUT_SECONDS)
        return report if report is not None and report.process == self.pid else None

    def error_message(self) -> str | None:
        """Returns the last error message in the log of this process; None without one."""
        with open(self._log, encoding="utf-8", errors="replace") as log:
            log.seek(self._log_start)
            lines = [line for line in log if line.startswith(_ERROR_PREFIX)]
        return lines[-1].removeprefix(_ERROR_PREFIX).strip() if lines else None

    def terminate(self) -> None:
        """Sends SIGTERM."""
        self._process.terminate()

    def wait(self, seconds: float | None) -> None:
        """Waits until the process exits, for at most some seconds; None waits without a limit."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)

    def kill_after(self, seconds: float) -> None:
        """Waits until the process exits, and kills it after some seconds."""
        self.wait(seconds)
        if self.exit_code is None:
            self._process.kill()
            self._process.wait()


def _terminate_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
