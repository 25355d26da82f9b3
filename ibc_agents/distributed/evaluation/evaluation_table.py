"""The table of evaluations, a CSV file that the learner writes."""

from __future__ import annotations

import csv
import dataclasses
import io
import os
import pathlib

from ibc_agents.core import errors, files
from ibc_agents.rollouts import confidence_intervals, evaluation

_DIGITS = 6
_MOST_EPISODES = 10**9


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
        successes = sum(outcome.success for outcome in result.outcomes)
        success, low, high = _estimate(successes, len(result.outcomes))
        return cls(
            step=step,
            seed=result.seed,
            episodes=len(result.outcomes),
            successes=successes,
            success=success,
            low=low,
            high=high,
            evaluators=evaluators,
        )

    @classmethod
    def from_fields(cls, fields: dict[str, str]) -> Row:
        """Returns the row of a line of the file.

        Args:
            fields: Texts by the names of the columns.

        Raises:
            ValueError: If columns are missing or unknown, or the values are not those of a row.
        """
        if list(fields) != _COLUMNS or None in fields.values():
            raise ValueError(f"the columns of a line are not {', '.join(_COLUMNS)}")
        row = cls(
            **{
                name: (float if name in _FLOAT_COLUMNS else int)(value)
                for name, value in fields.items()
            }
        )
        is_valid = (
            min(row.step, row.seed) >= 0
            and 0 <= row.successes <= row.episodes <= _MOST_EPISODES
            and min(row.episodes, row.evaluators) > 0
            and (row.success, row.low, row.high) == _estimate(row.successes, row.episodes)
        )
        if not is_valid:
            raise ValueError(f"the line of step {row.step} is not the result of an evaluation")
        return row


_COLUMNS = [field.name for field in dataclasses.fields(Row)]
_FLOAT_COLUMNS = ("success", "low", "high")


def _estimate(successes: int, episodes: int) -> tuple[float, float, float]:
    """Returns the success rate and the ends of its interval, rounded."""
    low, high = confidence_intervals.wilson_interval(successes, episodes)
    return round(successes / episodes, _DIGITS), round(low, _DIGITS), round(high, _DIGITS)


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
        self._rows = _read_rows(path) if os.path.lexists(path) else {}

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
        text = files.read_bytes(path).decode("utf-8")
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        rows = [Row.from_fields(fields) for fields in reader]
        if reader.fieldnames != _COLUMNS:
            raise ValueError(f"the first line is not {','.join(_COLUMNS)}")
    except (OSError, ValueError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise errors.RunError(
            f"{path} is not a readable table of evaluations ({reason}). Move it to another place; "
            "the job starts a new table."
        ) from error
    table = {(row.step, row.seed): row for row in rows}
    if len(table) < len(rows):
        raise errors.RunError(
            f"{path} has two lines of one step and seed. Move it to another place; the job starts "
            "a new table."
        )
    return table
