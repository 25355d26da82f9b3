"""Ends a command after Ctrl-C (SIGINT) or SIGTERM, which clusters send before a preemption.

A signal raises `Interrupted` in the main thread. Libraries can lose this exception: Python drops it
in a finalizer, and native code in some callbacks. A thread therefore repeats the signal until the
command has ended, and the handler raises the exception again unless it is on its way already.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# Time until a lost exception is raised again.
_REPEAT_SECONDS = 0.5
# Wrappers pass Ctrl-C on to a command that the terminal has interrupted already. Only a later
# signal is a second request.
_SAME_REQUEST_SECONDS = 1.0


class Interrupted(KeyboardInterrupt):
    """A signal has asked the command to end."""


class Interruption:
    """The handler of the signals of one command. A second signal ends the process at once.

    Attributes:
        exit_code: 128 plus the number of the first signal, as in a shell; None without a signal.
    """

    def __init__(self) -> None:
        """Creates the handler; `install` makes it active."""
        self.exit_code: int | None = None
        self._requested_at = 0.0
        self._is_repeated = False
        self._has_ended = threading.Event()
        self._previous: dict[int, Any] = {}

    def install(self) -> None:
        """Makes this the handler of both signals, except of one that this process ignores."""
        for number in _SIGNALS:
            previous = signal.getsignal(number)
            if previous is not signal.SIG_IGN:  # as in a job that a shell runs in the background
                self._previous[number] = previous
                signal.signal(number, self._handle)

    def end(self) -> None:
        """Restores the previous handlers, when the command has ended."""
        self._has_ended.set()
        for number, previous in self._previous.items():
            if signal.getsignal(number) == self._handle:
                signal.signal(number, previous)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self._is_repeated:
            self._is_repeated = False
        elif self.exit_code is None:
            self.exit_code = 128 + number
            self._requested_at = time.monotonic()
            threading.Thread(target=self._repeat, args=(number,), daemon=True).start()
        elif time.monotonic() - self._requested_at > _SAME_REQUEST_SECONDS:
            os._exit(self.exit_code)
        # While finally and except clauses run, the exception is the one that is being handled.
        if not self._has_ended.is_set() and not _is_interruption(sys.exc_info()[1]):
            raise Interrupted

    def _repeat(self, number: int) -> None:
        while not self._has_ended.wait(_REPEAT_SECONDS):
            self._is_repeated = True
            signal.pthread_kill(threading.main_thread().ident or 0, number)


def _is_interruption(error: BaseException | None) -> bool:
    """Returns whether an error is an `Interrupted`, or arose while one was handled."""
    while error is not None and not isinstance(error, Interrupted):
        error = error.__cause__ or error.__context__
    return error is not None
