"""Policies that wait for their evaluation, stored on disk so that they survive a kill."""

from __future__ import annotations

import dataclasses
import hashlib
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
        return f"step-{self.step}-seed-{self.seed}-episodes-{self.episodes}.policy"


_FILE_NAME = re.compile(r"step-(\d{1,18})-seed-(\d{1,18})-episodes-(\d{1,18})\.policy", re.ASCII)
_DIGEST_BYTES = hashlib.sha256().digest_size


class DamagedPolicyError(Exception):
    """The file of a policy is not what was written."""


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
        path = self.path(evaluation)
        packed = io.BytesIO()
        np.savez(packed, *values)
        content = packed.getvalue()
        with files.report_disk_errors(path):
            self._folder.mkdir(parents=True, exist_ok=True)
            with files.replacing(path) as partial:
                partial.write_bytes(hashlib.sha256(content).digest() + content)

    def pending(self) -> list[PendingEvaluation]:
        """Returns all evaluations in the queue, in the order of their steps."""
        if not self._folder.is_dir():
            return []
        regular = (path.name for path in self._folder.iterdir() if path.is_file())
        matches = [_FILE_NAME.fullmatch(name) for name in regular]
        return sorted(
            (PendingEvaluation(*map(int, match.groups())) for match in matches if match),
            key=lambda evaluation: evaluation.step,
        )

    def load(self, evaluation: PendingEvaluation) -> list[np.ndarray]:
        """Returns the values of the policy's variables, in their order.

        Raises:
            DamagedPolicyError: If the file is damaged or cannot be read.
        """
        try:
            with files.open_file(self.path(evaluation)) as file:
                content = file.read()
        except OSError as error:
            raise DamagedPolicyError(error.strerror) from error
        # Verified first: a damaged archive can raise anything, or ask for all memory.
        if hashlib.sha256(content[_DIGEST_BYTES:]).digest() != content[:_DIGEST_BYTES]:
            raise DamagedPolicyError("its checksum differs")
        with np.load(io.BytesIO(content[_DIGEST_BYTES:])) as arrays:
            return [arrays[f"arr_{number}"] for number in range(len(arrays.files))]

    def remove(self, evaluation: PendingEvaluation) -> None:
        """Removes an evaluation, if the queue has it."""
        self.path(evaluation).unlink(missing_ok=True)

    def path(self, evaluation: PendingEvaluation) -> pathlib.Path:
        """Returns the file of a policy."""
        return self._folder / evaluation.file_name
