"""The process of a role, as its supervisor sees it."""

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

from ibc_agents.distributed.processes import listening

_PR_SET_PDEATHSIG = 1
_HEALTH_WITHIN_SECONDS = 2.0
_ERROR = "error: "
# Loaded here, because a forked child should do as little as it can.
_LIBC = ctypes.CDLL(None)


class ChildProcess:
    """A role that was started, with its log and its health.

    It hears neither the terminal's Ctrl-C, which is the supervisor's to act on, nor outlives it.
    """

    def __init__(self, arguments: Sequence[str], log: pathlib.Path) -> None:
        """Starts it.

        Args:
            arguments: of `python -m ibc_agents.distributed`, without those for its health.
            log: file that its output is appended to.
        """
        self._port = listening.free_port()
        self._log = log
        with open(log, "ab") as output:
            self._log_begin = output.tell()
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
                preexec_fn=_end_with_parent,
            )

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative if it was ended by a signal."""
        return self._process.poll()

    def health(self) -> dict[str, Any] | None:
        """Returns what its health endpoint tells, None if it does not answer."""
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self._port}", timeout=_HEALTH_WITHIN_SECONDS
            ) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as not_ready:
            return json.load(not_ready)
        except OSError:
            return None

    def error(self) -> str | None:
        """Returns the sentence that it failed with; None if there was none."""
        with open(self._log, encoding="utf-8", errors="replace") as log:
            log.seek(self._log_begin)
            said = [line for line in log if line.startswith(_ERROR)]
        return said[-1].removeprefix(_ERROR).strip() if said else None

    def terminate(self) -> None:
        """Asks it to end."""
        self._process.terminate()

    def wait(self, seconds: float) -> None:
        """Waits for its end, but not for long."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)

    def end(self, within_seconds: float) -> None:
        """Waits for its end, and ends it by force if that takes too long."""
        self.wait(within_seconds)
        if self.exit_code is None:
            self._process.kill()
            self._process.wait()


def _end_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
