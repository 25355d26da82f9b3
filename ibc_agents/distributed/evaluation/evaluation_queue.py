"""Policies that wait for their evaluation, stored on disk so that they survive a kill."""

from __future__ import annotations

import dataclasses
import io
import pathlib
import re
from collections.abc import Sequence

import numpy as np

from ibc_agents.core import files


@dataclasses.dataclass(frozen=True)
class PendingEvaluation:
    """An evaluation that has not finished.

    Attributes:
        step: Train step of the policy.
        seed: Seed of the evaluation.
        episodes: Number of episodes.
    """

    step: int
    seed: int
    episodes: int

    @property
    def file_name(self) -> str:
        """Name of the file with the policy's variables."""
        return f"step-{self.step}-seed-{self.seed}-episodes-{self.episodes}.npz"


_FILE_NAME = re.compile(r"step-(\d+)-seed-(\d+)-episodes-(\d+)\.npz")


class EvaluationQueue:
    """A folder of policies, ordered by their train steps."""

    def __init__(self, folder: pathlib.Path) -> None:
        """Opens the queue.

        Args:
            folder: Folder of the policies; created if necessary.
        """
        self._folder = folder

    def add(self, evaluation: PendingEvaluation, values: Sequence[np.ndarray]) -> None:
        """Adds an evaluation, or replaces an equal one.

        Args:
            evaluation: The evaluation.
            values: Values of the policy's variables, in their order.

        Raises:
            RunError: If the policy cannot be written.
        """
        path = self._path(evaluation)
        content = io.BytesIO()
        np.savez(content, *values)
        with files.report_disk_errors(path):
            self._folder.mkdir(parents=True, exist_ok=True)
            with files.replacing(path) as partial:
                partial.write_bytes(content.getvalue())

    def pending(self) -> list[PendingEvaluation]:
        """Returns all evaluations in the queue, in the order of their steps."""
        if not self._folder.exists():
            return []
        matches = [_FILE_NAME.fullmatch(path.name) for path in self._folder.iterdir()]
        return sorted(
            (PendingEvaluation(*map(int, match.groups())) for match in matches if match),
            key=lambda evaluation: evaluation.step,
        )

    def load(self, evaluation: PendingEvaluation) -> list[np.ndarray]:
        """Returns the values of the policy's variables, in their order."""
        with np.load(self._path(evaluation)) as arrays:
            return [arrays[f"arr_{number}"] for number in range(len(arrays.files))]

    def remove(self, evaluation: PendingEvaluation) -> None:
        """Removes an evaluation, if the queue has it."""
        self._path(evaluation).unlink(missing_ok=True)

    def _path(self, evaluation: PendingEvaluation) -> pathlib.Path:
        return self._folder / evaluation.file_name
