"""A role in a child process, as its supervisor sees it."""

from __future__ import annotations

import contextlib
import ctypes
import json
import pathlib
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any

from ibc_agents.distributed.processes import ports

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

    def __init__(self, arguments: Sequence[str], log: pathlib.Path) -> None:
        """Starts the process.

        Args:
            arguments: Arguments of `python -m ibc_agents.distributed`, without --health_port.
            log: File to append the output to.
        """
        self._port = ports.find_free_port()
        self._log = log
        with open(log, "ab") as output:
            self._log_start = output.tell()
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "ibc_agents.distributed",
                    *arguments,
                    f"--health_port={self._port}",
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

    def health(self) -> dict[str, Any] | None:
        """Returns the report of the health endpoint; None if it does not answer."""
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self._port}", timeout=_HEALTH_TIMEOUT_SECONDS
            ) as response:
                return json.load(response)
        except urllib.error.HTTPError as not_ready:
            return json.load(not_ready)
        except OSError:
            return None

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
