"""Policies that wait for their evaluation, on the disk: no kill loses one."""

from __future__ import annotations

import dataclasses
import io
import pathlib
import re
from collections.abc import Sequence

import numpy as np

from ibc_agents.core import files


@dataclasses.dataclass(frozen=True)
class Waiting:
    """A policy that is to be evaluated.

    Attributes:
        step: train step it is of.
        seed: of the evaluation.
        episodes: of the evaluation.
    """

    step: int
    seed: int
    episodes: int

    @property
    def file_name(self) -> str:
        """Of its variables."""
        return f"step-{self.step}-seed-{self.seed}-episodes-{self.episodes}.npz"


_FILE = re.compile(r"step-(\d+)-seed-(\d+)-episodes-(\d+)\.npz")


class Backlog:
    """A folder of policies' variables, taken out in the order of their steps."""

    def __init__(self, folder: pathlib.Path) -> None:
        """Opens the folder.

        Args:
            folder: need not exist yet.
        """
        self._folder = folder

    def add(self, waiting: Waiting, values: Sequence[np.ndarray]) -> None:
        """Adds a policy, or replaces it.

        Args:
            waiting: what is to be evaluated, and how.
            values: of the policy's variables, in their order.

        Raises:
            RunError: if the disk is full.
        """
        path = self._path(waiting)
        content = io.BytesIO()
        np.savez(content, *values)
        with files.report_disk_errors(path):
            self._folder.mkdir(parents=True, exist_ok=True)
            with files.replacing(path) as partial:
                partial.write_bytes(content.getvalue())

    def waiting(self) -> list[Waiting]:
        """Returns what waits, in the order of steps."""
        if not self._folder.exists():
            return []
        found = [_FILE.fullmatch(path.name) for path in self._folder.iterdir()]
        return sorted(
            (Waiting(*map(int, match.groups())) for match in found if match),
            key=lambda waiting: waiting.step,
        )

    def values(self, waiting: Waiting) -> list[np.ndarray]:
        """Returns the variables of one."""
        with np.load(self._path(waiting)) as arrays:
            return [arrays[f"arr_{number}"] for number in range(len(arrays.files))]

    def remove(self, waiting: Waiting) -> None:
        """Forgets one."""
        self._path(waiting).unlink(missing_ok=True)

    def _path(self, waiting: Waiting) -> pathlib.Path:
        return self._folder / waiting.file_name
