"""Describes the machine, and tells its times."""

from __future__ import annotations

import datetime
import os
import pathlib
import platform
import time
from typing import Any

# Columns of a line of /proc/stat that are no work: idle, waiting for a disk, and the time of
# guests, which the first two columns contain.
_NO_WORK = (3, 4, 8, 9)


def describe() -> dict[str, Any]:
    """Returns system, processor and number of usable cores, as JSON types."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": num_cores(),
    }


def num_cores() -> int:
    """Returns the number of cores that this process may use."""
    return len(os.sched_getaffinity(0))


class Clock:
    """The times that a measurement reads; a test has another clock."""

    def seconds(self) -> float:
        """Returns the time since some moment, in seconds."""
        return time.perf_counter()

    def own_core_seconds(self) -> float:
        """Returns the time for which this process has used cores, in core-seconds."""
        return time.process_time()

    def all_core_seconds(self) -> float:
        """Returns the time for which any process has used the cores of this one, in core-seconds.

        It is the process's own time if the system does not tell it.
        """
        try:
            lines = pathlib.Path("/proc/stat").read_text().splitlines()
        except OSError:
            return self.own_core_seconds()
        usable = {f"cpu{core}" for core in os.sched_getaffinity(0)}
        rows = [line.split() for line in lines]
        ticks = sum(
            int(number)
            for name, *numbers in rows
            if name in usable
            for column, number in enumerate(numbers)
            if column not in _NO_WORK
        )
        return ticks / os.sysconf("SC_CLK_TCK")

    def date(self) -> datetime.datetime:
        """Returns the present date, in UTC."""
        return datetime.datetime.now(datetime.UTC)


def _processor() -> str:
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
