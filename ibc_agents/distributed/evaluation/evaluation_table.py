"""The table of evaluations, a CSV file that the learner writes."""

from __future__ import annotations

import csv
import dataclasses
import pathlib

from ibc_agents.core import errors, files
from ibc_agents.rollouts import evaluation

_DIGITS = 6


@dataclasses.dataclass(frozen=True)
class Row:
    """The result of one evaluation.

    Attributes:
        step: Train step of the policy.
        seed: Seed of the evaluation.
        episodes: Number of episodes.
        successes: Number of successful episodes.
        success: Share of successful episodes, in [0, 1].
        low: Lower end of its 95 % interval.
        high: Upper end of its 95 % interval.
        evaluators: Number of evaluators that contributed.
    """

    step: int
    seed: int
    episodes: int
    successes: int
    success: float
    low: float
    high: float
    evaluators: int

    @classmethod
    def from_evaluation(cls, step: int, result: evaluation.Evaluation, evaluators: int) -> Row:
        """Returns the row of an evaluation.

        Args:
            step: Train step of the policy.
            result: The evaluation.
            evaluators: Number of evaluators that contributed.
        """
        success = result.summary()["success"]
        low, high = success["interval"]
        return cls(
            step=step,
            seed=result.seed,
            episodes=success["episodes"],
            successes=success["successes"],
            success=round(success["rate"], _DIGITS),
            low=round(low, _DIGITS),
            high=round(high, _DIGITS),
            evaluators=evaluators,
        )


_COLUMNS = [field.name for field in dataclasses.fields(Row)]
_FLOAT_COLUMNS = ("success", "low", "high")


class EvaluationTable:
    """A CSV file with one row per step and seed, replaced atomically."""

    def __init__(self, path: pathlib.Path) -> None:
        """Reads the existing rows.

        Args:
            path: Path of the file; created by `add`.

        Raises:
            RunError: If the file cannot be read.
        """
        self._path = path
        self._rows = _read_rows(path) if path.exists() else {}

    def __contains__(self, step_and_seed: tuple[int, int]) -> bool:
        """Whether there is a row of a step and a seed."""
        return step_and_seed in self._rows

    def add(self, row: Row) -> None:
        """Adds a row, or replaces the one of its step and seed.

        Raises:
            RunError: If the file cannot be written.
        """
        self._rows[row.step, row.seed] = row
        with (
            files.report_disk_errors(self._path),
            files.replacing(self._path) as partial,
            open(partial, "w", encoding="utf-8", newline="") as file,
        ):
            writer = csv.DictWriter(file, _COLUMNS)
            writer.writeheader()
            writer.writerows(dataclasses.asdict(self._rows[key]) for key in sorted(self._rows))


def _read_rows(path: pathlib.Path) -> dict[tuple[int, int], Row]:
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = [
                Row(
                    **{
                        name: (float if name in _FLOAT_COLUMNS else int)(value)
                        for name, value in fields.items()
                    }
                )
                for fields in csv.DictReader(file)
            ]
    except (OSError, ValueError, TypeError) as error:
        raise errors.RunError(
            f"{path} is not a readable table of evaluations ({error}). Move it to another place; "
            "the job starts a new table."
        ) from error
    return {(row.step, row.seed): row for row in rows}
