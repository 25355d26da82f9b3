"""Stands for the process of a role where only its thread is of interest."""

from __future__ import annotations

import threading
import time

from ibc_agents.distributed.processes import health


class GaveUp(Exception):
    """The process would have ended."""


class FakeStop:
    """Nobody asks to stop."""

    def check(self) -> None: ...

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)


class FakeProcess:
    """Remembers what it was told to say."""

    def __init__(self) -> None:
        self.health = health.Health("test")
        self.stop = FakeStop()
        self.lines: list[str] = []
        self.given_up = threading.Event()
        self.sentence = ""

    def say(self, text: str) -> None:
        self.lines.append(text)

    def give_up(self, sentence: str) -> None:
        self.sentence = sentence
        self.given_up.set()
        raise GaveUp

    def wait_for_line(self, part: str, within_seconds: float) -> None:
        deadline = time.monotonic() + within_seconds
        while not any(part in line for line in self.lines):
            assert time.monotonic() < deadline, self.lines
            time.sleep(0.02)
