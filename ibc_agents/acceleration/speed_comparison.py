"""Measures which of two implementations is faster."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Callable
from typing import Any

from ibc_agents.acceleration import machine

_NUM_PAIRS = 11
# The second smallest and second largest of 11 ratios contain their median with 98.8%.
_RANK = 1
# A smaller speedup makes little difference.
_MIN_SPEEDUP = 1.1
# Other processes slow the two implementations by different factors.
_MAX_SHARE_OF_OTHERS = 0.15


@dataclasses.dataclass(frozen=True)
class SpeedComparison:
    """How many times faster one implementation is than another one.

    Attributes:
        speedup: Median of the ratios of the durations.
        low: Lower end of an interval of the median, with 98.8% confidence.
        high: Upper end of the interval.
        share_of_others: Share of the cores' time that other processes used meanwhile, in [0, 1].
    """

    speedup: float
    low: float
    high: float
    share_of_others: float

    @classmethod
    def measure(
        cls, plain: Callable[[], Any], fast: Callable[[], Any], clock: machine.Clock
    ) -> SpeedComparison:
        """Compares two implementations of the same work.

        They run in pairs, in alternating order, so that both of a pair run under about the same
        load. The median of the ratios ignores pairs in which the load changed.

        Args:
            plain: Does the work; it is finished when the function returns.
            fast: Does the work by the implementation whose speedup is measured.
            clock: Tells the times.
        """
        plain()  # traces
        fast()
        start, own, everyone = clock.seconds(), clock.own_core_seconds(), clock.all_core_seconds()
        ratios = []
        for number in range(_NUM_PAIRS):
            works = (plain, fast) if number % 2 else (fast, plain)
            durations = {work: _duration(work, clock) for work in works}
            ratios.append(durations[plain] / durations[fast])
        ratios.sort()
        own = clock.own_core_seconds() - own
        others = clock.all_core_seconds() - everyone - own
        share = others / (machine.num_cores() * (clock.seconds() - start))
        return cls(
            statistics.median(ratios), ratios[_RANK], ratios[-1 - _RANK], min(max(share, 0.0), 1.0)
        )

    @property
    def is_quiet(self) -> bool:
        """Whether other processes used too little time to distort the comparison."""
        return self.share_of_others <= _MAX_SHARE_OF_OTHERS

    @property
    def verdict(self) -> bool | None:
        """Whether the fast implementation is worth it; None if the measurement cannot tell."""
        if not self.is_quiet or self.low <= _MIN_SPEEDUP < self.high:
            return None
        return self.low > _MIN_SPEEDUP


def _duration(work: Callable[[], Any], clock: machine.Clock) -> float:
    start = clock.seconds()
    work()
    return clock.seconds() - start
