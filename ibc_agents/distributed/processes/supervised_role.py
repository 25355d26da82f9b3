"""A role of a local job that is restarted when its process dies or does not answer."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

from ibc_agents.core import errors
from ibc_agents.distributed.processes import child_process, health_report

# Exit code of an error that the user must fix; the same command would fail again.
_USER_ERROR = 1
_LONGEST_DELAY_SECONDS = 30.0
# A stopped process, or one in an endless loop of native code, does not answer.
_LONGEST_SILENCE_SECONDS = 60.0
_STARTING = "starting"
_FINISHED = "finished"


class SupervisedRole:
    """Runs a role in a child process and restarts it with exponential backoff.

    Attributes:
        name: Name of the role.
        finished: Whether the process has exited with code 0.
        restarts: Number of restarts.
    """

    def __init__(
        self, name: str, start: Callable[[], child_process.ChildProcess], max_restarts: int
    ) -> None:
        """Starts the first process.

        Args:
            name: Name of the role.
            start: Starts a process.
            max_restarts: Largest number of restarts; one more failure is an error.
        """
        self.name = name
        self.finished = False
        self.restarts = 0
        self._start = start
        self._max_restarts = max_restarts
        self._child = start()
        self._status = _STARTING
        self._report: health_report.HealthReport | None = None
        self._silent_since: float | None = None
        self._failures_in_a_row = 0
        self._next_start: float | None = None
        self._failure = ""

    def poll(self) -> str:
        """Restarts the process if that is due, and returns the status of the role.

        Raises:
            RunError: If the role has failed with an error of the user, or too often.
        """
        if self.finished:
            return _FINISHED
        if self._next_start is not None:
            seconds = self._next_start - time.monotonic()
            if seconds > 0:
                return f"{self._failure}; restart in {seconds:.0f} s"
            self._restart()
        code = self._child.exit_code
        if code == 0:
            self.finished = True
            return _FINISHED
        if code is not None:
            self._handle_exit(code)
            return self._failure
        report = self._child.health()
        if report is None:
            return self._handle_silence()
        self._silent_since, self._report = None, report
        self._status = report.message or self._status
        if report.ready:
            self._failures_in_a_row = 0
        return self._status

    @property
    def is_ready(self) -> bool:
        """Whether the role has started its work, at the last poll."""
        return self.finished or (self._report is not None and self._report.ready)

    @property
    def step(self) -> int | None:
        """Train step of the role at the last poll; None if unknown."""
        return None if self._report is None else self._report.step

    def wait(self, seconds: float) -> None:
        """Waits until the process exits, for at most some seconds."""
        self._child.wait(seconds)

    def terminate(self) -> None:
        """Sends SIGTERM to the process."""
        self._child.terminate()

    def kill_after(self, seconds: float) -> None:
        """Waits until the process exits, and kills it after some seconds."""
        self._child.kill_after(seconds)

    @property
    def pid(self) -> int:
        """Identifier of the newest process."""
        return self._child.pid

    def _restart(self) -> None:
        self._next_start, self._silent_since = None, None
        self.restarts += 1
        self._status = _STARTING
        self._child = self._start()

    def _handle_silence(self) -> str:
        """Kills a process that has not answered for long; it may be stopped."""
        now = time.monotonic()
        self._silent_since = self._silent_since or now
        if now - self._silent_since < _LONGEST_SILENCE_SECONDS:
            return self._status
        self._child.kill_after(0.0)
        self._schedule_restart(f"did not answer for {_LONGEST_SILENCE_SECONDS:.0f} s")
        return self._failure

    def _handle_exit(self, code: int) -> None:
        message = self._child.error_message()
        if code == _USER_ERROR and message:
            raise errors.RunError(f"{self.name}: {message}")
        failure = (
            f"exited with code {code}" if code > 0 else f"killed by {signal.Signals(-code).name}"
        )
        self._schedule_restart(failure + (f" ({message})" if message else ""))

    def _schedule_restart(self, failure: str) -> None:
        self._failure, self._report = failure, None
        if self.restarts >= self._max_restarts:
            raise errors.RunError(
                f"{self.name} {failure} after {self.restarts} restarts. Read its log for the cause,"
                " then run the same command to continue from the last checkpoint."
            )
        self._failures_in_a_row += 1
        delay = min(2.0 ** (self._failures_in_a_row - 1), _LONGEST_DELAY_SECONDS)
        self._next_start = time.monotonic() + delay
