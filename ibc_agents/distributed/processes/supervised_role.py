"""A role of a local job that is restarted when its process dies."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

from ibc_agents.core import errors
from ibc_agents.distributed.processes import child_process

# Exit code of an error that the user must fix; the same command would fail again.
_USER_ERROR = 1
_LONGEST_DELAY_SECONDS = 30.0
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
        self._was_ready = False
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
            self._schedule_restart(code)
            return self._failure
        health = self._child.health()
        if health is not None:
            self._status = health["message"] or self._status
            if health["ready"] and not self._was_ready:
                self._was_ready, self._failures_in_a_row = True, 0
        return self._status

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
        self._next_start, self._was_ready = None, False
        self.restarts += 1
        self._status = _STARTING
        self._child = self._start()

    def _schedule_restart(self, code: int) -> None:
        message = self._child.error_message()
        if code == _USER_ERROR and message:
            raise errors.RunError(f"{self.name}: {message}")
        self._failure = (
            f"exited with code {code}" if code > 0 else f"killed by {signal.Signals(-code).name}"
        )
        if message:
            self._failure += f" ({message})"
        if self.restarts >= self._max_restarts:
            raise errors.RunError(
                f"{self.name} {self._failure} after {self.restarts} restarts. Read its log for the "
                "cause, then run the same command to continue from the last checkpoint."
            )
        self._failures_in_a_row += 1
        delay = min(2.0 ** (self._failures_in_a_row - 1), _LONGEST_DELAY_SECONDS)
        self._next_start = time.monotonic() + delay
