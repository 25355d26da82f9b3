"""Graceful shutdown on SIGTERM and SIGINT, with a time limit."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from typing import NoReturn

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class ShutdownRequested(Exception):
    """A signal has asked this process to stop.

    Attributes:
        exit_code: 128 plus the number of the signal, as in a shell.
    """

    def __init__(self, exit_code: int) -> None:
        """Creates the exception for an exit code."""
        super().__init__(f"stopped by signal {exit_code - 128}")
        self.exit_code = exit_code


class ShutdownHandler:
    """Turns SIGTERM and SIGINT into a request that the main thread polls.

    Python runs no signal handlers while the main thread waits in native code, for example for an
    unreachable replay server. A second thread therefore ends the process after a grace period.
    """

    def __init__(
        self, grace_seconds: float, exit_now: Callable[[int], NoReturn] = os._exit
    ) -> None:
        """Installs the handlers of both signals.

        Args:
            grace_seconds: Time from the signal to a forced exit, in seconds.
            exit_now: Ends the process with an exit code, from any thread.
        """
        self._grace_seconds = grace_seconds
        self._exit_now = exit_now
        self._requested = threading.Event()
        self._exit_code = 0
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        self.install()
        threading.Thread(target=self._wait_for_signal, args=(reader,), daemon=True).start()

    def install(self) -> None:
        """Installs the handlers again, after a library has replaced them."""
        for number in _SIGNALS:
            # The wakeup pipe receives the number of the signal; the handler has nothing to do.
            signal.signal(number, lambda *_: None)

    @property
    def is_requested(self) -> bool:
        """Whether a signal has arrived."""
        return self._requested.is_set()

    def check(self) -> None:
        """Raises ShutdownRequested if a signal has arrived."""
        if self.is_requested:
            raise ShutdownRequested(self._exit_code)

    def wait(self, seconds: float) -> None:
        """Sleeps until a signal arrives, for at most some seconds.

        Raises:
            ShutdownRequested: If a signal has arrived.
        """
        self._requested.wait(seconds)
        self.check()

    def _wait_for_signal(self, reader: int) -> None:
        while (number := os.read(reader, 1)[0]) not in _SIGNALS:
            pass
        self._exit_code = 128 + number
        self._requested.set()
        time.sleep(self._grace_seconds)
        self._exit_now(self._exit_code)
