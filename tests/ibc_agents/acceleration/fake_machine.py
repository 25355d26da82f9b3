"""A machine with its own time, on which work takes as long as a test says."""

from __future__ import annotations

import datetime
from collections.abc import Callable

from ibc_agents.acceleration import machine


class FakeMachine(machine.Clock):
    """Tells times that only work and `wait` advance.

    Args:
        slowdown: Called at each work; returns by how much the load of the machine prolongs it.
        share_of_others: Share of all cores that other processes use.
    """

    def __init__(
        self, slowdown: Callable[[], float] = lambda: 1.0, share_of_others: float = 0.0
    ) -> None:
        self.slowdown = slowdown
        self.share_of_others = share_of_others
        self.num_works = 0
        self._seconds = 0.0
        self._own = 0.0
        self._others = 0.0
        self._date = datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC)

    def work(self, seconds: float) -> Callable[[], None]:
        """Returns work that takes some time on one core of an idle machine."""

        def run() -> None:
            passed = seconds * self.slowdown()
            self.num_works += 1
            self._seconds += passed
            self._own += seconds
            self._others += self.share_of_others * machine.num_cores() * passed

        return run

    def wait(self, **time: float) -> None:
        """Lets days or hours pass."""
        self._date += datetime.timedelta(**time)

    def seconds(self) -> float:
        return self._seconds

    def own_core_seconds(self) -> float:
        return self._own

    def all_core_seconds(self) -> float:
        return self._own + self._others

    def date(self) -> datetime.datetime:
        return self._date
