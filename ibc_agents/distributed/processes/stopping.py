"""An end when it is asked for, whatever the main thread is doing."""

from __future__ import annotations

import os
import signal
import threading
import time

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
# Cluster managers kill after 10 s or more.
GRACE_SECONDS = 8.0


class Stopped(Exception):
    """Somebody asked this process to stop.

    Attributes:
        exit_code: 128 and the signal's number, as shells have it.
    """

    def __init__(self, exit_code: int) -> None:
        """Says by which signal."""
        super().__init__(f"stopped by signal {exit_code - 128}")
        self.exit_code = exit_code


class StopRequest:
    """SIGTERM and Ctrl-C as something to look at between two pieces of work.

    A main thread that is held in native code, as by a replay server that is gone, runs no signal
    handlers: then the process is ended after a few seconds all the same.
    """

    def __init__(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Takes over both signals.

        Args:
            grace_seconds: after which the process is ended.
        """
        self._grace = grace_seconds
        self._asked = threading.Event()
        self._exit_code = 0
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        self.take_over()
        threading.Thread(target=self._listen, args=(reader,), daemon=True).start()

    def take_over(self) -> None:
        """Takes both signals, also from a library that has taken them since this was made."""
        for number in _SIGNALS:
            signal.signal(number, lambda *_: None)  # the number goes to the pipe

    @property
    def is_asked(self) -> bool:
        """Whether this process is to stop."""
        return self._asked.is_set()

    def check(self) -> None:
        """Raises Stopped if this process is to stop."""
        if self.is_asked:
            raise Stopped(self._exit_code)

    def wait(self, seconds: float) -> None:
        """Sleeps, for as long as nobody asks to stop.

        Raises:
            Stopped: somebody has.
        """
        self._asked.wait(seconds)
        self.check()

    def _listen(self, reader: int) -> None:
        while (number := os.read(reader, 1)[0]) not in _SIGNALS:
            pass
        self._exit_code = 128 + number
        self._asked.set()
        time.sleep(self._grace)
        os._exit(self._exit_code)
