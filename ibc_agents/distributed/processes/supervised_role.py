"""One role of a local job, started again whenever it dies."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

from ibc_agents.core import errors
from ibc_agents.distributed.processes import child_process

# Exit code of an error that the same command would run into again.
_USERS_ERROR = 1
_LONGEST_PAUSE_SECONDS = 30.0
_STARTING = "starting"


class SupervisedRole:
    """Starts a process, and another one when it dies, after a pause that grows.

    Attributes:
        name: of the role.
        finished: whether it has ended as it should.
        restarts: how often it was started again.
    """

    def __init__(
        self, name: str, start: Callable[[], child_process.ChildProcess], max_restarts: int
    ) -> None:
        """Starts the first process.

        Args:
            name: of the role.
            start: starts a process.
            max_restarts: one more death is an error.
        """
        self.name = name
        self.finished = False
        self.restarts = 0
        self._start = start
        self._max_restarts = max_restarts
        self._child = start()
        self._said = _STARTING
        self._was_ready = False
        self._deaths_in_a_row = 0
        self._next_start: float | None = None
        self._how_it_died = ""

    def look(self) -> str:
        """Does what is due; returns how it is, in words.

        Raises:
            RunError: if it cannot go on, or has died too often.
        """
        if self.finished:
            return "has ended"
        if self._next_start is not None:
            seconds = self._next_start - time.monotonic()
            if seconds > 0:
                return f"{self._how_it_died}; next start in {seconds:.0f} s"
            self._next_start, self._was_ready = None, False
            self.restarts += 1
            self._said = _STARTING
            self._child = self._start()
        code = self._child.exit_code
        if code == 0:
            self.finished = True
            return "has ended"
        if code is not None:
            self._bury(code)
            return self._how_it_died
        health = self._child.health()
        if health is not None:
            self._said = health["says"] or self._said
            if health["ready"] and not self._was_ready:
                self._was_ready, self._deaths_in_a_row = True, 0
        return self._said

    def wait(self, seconds: float) -> None:
        """Waits for its end, but not for long."""
        self._child.wait(seconds)

    def terminate(self) -> None:
        """Asks it to end, for good."""
        self._child.terminate()

    def end(self, within_seconds: float) -> None:
        """Waits for its end, and ends it by force if that takes too long."""
        self._child.end(within_seconds)

    @property
    def pid(self) -> int:
        """Of its process of the moment, or of the one that died last."""
        return self._child.pid

    def _bury(self, code: int) -> None:
        said = self._child.error()
        if code == _USERS_ERROR and said:
            raise errors.RunError(f"the {self.name} says: {said}")
        self._how_it_died = "died" if code > 0 else f"was ended by {signal.Signals(-code).name}"
        if said:
            self._how_it_died += f" ({said})"
        if self.restarts >= self._max_restarts:
            raise errors.RunError(
                f"the {self.name} {self._how_it_died}, after {self.restarts} restarts. Its log "
                "says why; start the same command to go on from the last checkpoint."
            )
        self._deaths_in_a_row += 1
        pause = min(2.0 ** (self._deaths_in_a_row - 1), _LONGEST_PAUSE_SECONDS)
        self._next_start = time.monotonic() + pause
