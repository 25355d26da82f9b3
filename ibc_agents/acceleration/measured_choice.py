"""A choice between two implementations that a machine makes by a measurement."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import datetime
import hashlib
import json
import os
import pathlib
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from ibc_agents.acceleration import machine, speed_comparison
from ibc_agents.core import files

# TensorFlow reads its threads per operation and its concurrent operations from these.
_THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
# A processor does not change, but its firmware, its cooling and its neighbors do.
_VALID = datetime.timedelta(days=30)
# After a measurement that could not tell, a later process tries again.
_VALID_UNDECIDED = datetime.timedelta(hours=1)


@dataclasses.dataclass(frozen=True)
class Choice:
    """The choice of a machine.

    Attributes:
        taken: Whether the fast implementation is used.
        comparison: The measurement.
        date: Date of the measurement, with its time zone.
    """

    taken: bool
    comparison: speed_comparison.SpeedComparison
    date: datetime.datetime

    def summary(self) -> dict[str, Any]:
        """Returns the entry of `results.json`, as JSON types."""
        return {
            "taken": self.taken,
            "speedup": round(self.comparison.speedup, 2),
            "measured": self.date.isoformat(timespec="minutes"),
        }

    def to_json(self) -> dict[str, Any]:
        """Returns all attributes, as JSON types."""
        return {**dataclasses.asdict(self), "date": self.date.isoformat()}

    @classmethod
    def from_json(cls, content: Any) -> Choice:
        """Inverts `to_json`.

        Raises:
            ValueError: If the content is not that of `to_json`.
        """
        fields = dataclasses.fields(speed_comparison.SpeedComparison)
        try:
            taken, date = content["taken"], datetime.datetime.fromisoformat(content["date"])
            numbers = [content["comparison"][field.name] for field in fields]
        except (KeyError, TypeError) as error:
            raise ValueError("not a kept choice") from error
        if type(taken) is not bool or date.tzinfo is None or {*map(type, numbers)} != {float}:
            raise ValueError("not a kept choice")
        return cls(taken, speed_comparison.SpeedComparison(*numbers), date)


class MeasuredChoice:
    """Chooses between a plain and a fast implementation by their speeds on this machine.

    The speeds are measured, since a processor's instruction set and cache sizes do not predict
    them. The choice is kept in ``$XDG_CACHE_HOME/ibc_agents`` (``~/.cache/ibc_agents``) for 30
    days, for each number of threads and version of TensorFlow, so that all processes of a run and a
    resumed run make the same choice. The file may be deleted. If no file can be written, each
    process measures once.

    A measurement decides only if it is clear and if few other processes ran meanwhile. Otherwise
    the previous choice stays, the plain implementation without one, and a process of an hour later
    measures again.
    """

    def __init__(
        self,
        name: str,
        plain: Callable[[], Any],
        fast: Callable[[], Any],
        clock: machine.Clock | None = None,
    ):
        """Creates the choice; nothing is measured yet.

        Args:
            name: Name of the measurement, for the file.
            plain: Does some work; the work is finished when it returns.
            fast: Does the same work by the other implementation.
            clock: Tells the times. Default: those of this machine.
        """
        self._name = name
        self._plain = plain
        self._fast = fast
        self._clock = clock or machine.Clock()
        self._made: Choice | None = None

    @property
    def made(self) -> Choice | None:
        """The choice of this process; None before the first call of `make`."""
        return self._made

    def make(self) -> Choice:
        """Returns the choice, which does not change in the life of the process."""
        if self._made is None:
            path = self._path()
            previous = _read(path)
            self._made = self._if_valid(previous)
        if self._made is None:
            measured = self._measure(previous)
            # Another process may have finished meanwhile.
            self._made = self._if_valid(_read(path))
            if self._made is None:
                self._made = measured
                _write(path, measured)
        return self._made

    def _if_valid(self, kept: Choice | None) -> Choice | None:
        if kept is None:
            return None
        age = self._clock.date() - kept.date
        is_decided = kept.comparison.verdict is not None
        is_valid = datetime.timedelta() <= age < (_VALID if is_decided else _VALID_UNDECIDED)
        return kept if is_valid else None

    def _measure(self, previous: Choice | None) -> Choice:
        # In a separate thread, because the caller may be tracing a graph or recording a tape.
        with concurrent.futures.ThreadPoolExecutor(1) as thread:
            comparison = thread.submit(
                speed_comparison.SpeedComparison.measure, self._plain, self._fast, self._clock
            ).result()
        taken = comparison.verdict
        if taken is None:
            taken = previous is not None and previous.taken
        return Choice(taken, comparison, self._clock.date())

    def _path(self) -> pathlib.Path | None:
        """Returns the file of the choice; None if the user has no folder for it."""
        caches = os.environ.get("XDG_CACHE_HOME")
        try:
            folder = pathlib.Path(caches) if caches else pathlib.Path.home() / ".cache"
        except RuntimeError:  # The user has no home.
            return None
        threads = [os.environ.get(name) for name in _THREADS]
        described = json.dumps([machine.describe(), tf.__version__, threads])
        fingerprint = hashlib.sha256(described.encode()).hexdigest()[:16]
        return folder / "ibc_agents" / f"{self._name}_{fingerprint}.json"


def _read(path: pathlib.Path | None) -> Choice | None:
    """Returns the kept choice; None if there is none or it is of another form."""
    if path is None:
        return None
    try:
        return Choice.from_json(files.read_json(path))
    except (OSError, ValueError):
        return None


def _write(path: pathlib.Path | None, choice: Choice) -> None:
    """Keeps the choice, if the folder can be written."""
    if path is None:
        return
    content = {**choice.to_json(), **machine.describe(), "tensorflow": tf.__version__}
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_json(path, content)
