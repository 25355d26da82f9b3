"""Replaces the process of a role in tests of its threads."""

from __future__ import annotations

import threading
import time

from ibc_agents.distributed.processes import health

_DEADLINE_SECONDS = 300


class Aborted(Exception):
    """A real process would have exited."""


class FakeShutdown:
    """Never requests a shutdown."""

    def check(self) -> None: ...

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)


class FakeProcess:
    """Records log lines and the message of `abort`."""

    def __init__(self) -> None:
        self.health = health.Health("test")
        self.shutdown = FakeShutdown()
        self.lines: list[str] = []
        self.aborted = threading.Event()
        self.abort_message = ""

    def log(self, text: str) -> None:
        self.lines.append(text)

    def abort(self, message: str) -> None:
        self.abort_message = message
        self.aborted.set()
        raise Aborted

    def wait_for_line(self, part: str) -> None:
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while not any(part in line for line in self.lines):
            assert time.monotonic() < deadline, self.lines
            time.sleep(0.02)
