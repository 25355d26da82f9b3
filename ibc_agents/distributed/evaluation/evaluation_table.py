"""The job's table: one row an evaluated checkpoint, written by the learner alone."""

from __future__ import annotations

import csv
import dataclasses
import pathlib
from collections.abc import Sequence

from ibc_agents.core import errors, files
from ibc_agents.rollouts import evaluation

_DIGITS = 6


@dataclasses.dataclass(frozen=True)
class Row:
    """What came of the evaluation of one checkpoint.

    Attributes:
        step: train step of the checkpoint.
        seed: of the evaluation.
        episodes: that were run.
        successes: of them.
        success: share of successes, in [0, 1].
        low: lower end of its 95 % interval.
        high: upper end.
        evaluators: processes that took part.
    """

    step: int
    seed: int
    episodes: int
    successes: int
    success: float
    low: float
    high: float
    evaluators: int


def row_of(step: int, result: evaluation.Evaluation, evaluators: int) -> Row:
    """Returns the row of an evaluation."""
    success = result.summary()["success"]
    low, high = success["interval"]
    return Row(
        step=step,
        seed=result.seed,
        episodes=success["episodes"],
        successes=success["successes"],
        success=round(success["rate"], _DIGITS),
        low=round(low, _DIGITS),
        high=round(high, _DIGITS),
        evaluators=evaluators,
    )


class EvaluationTable:
    """A CSV file that is always whole: a kill leaves the old one or the new one."""

    def __init__(self, path: pathlib.Path) -> None:
        """Reads what is there already.

        Args:
            path: of the file.

        Raises:
            RunError: if it cannot be read.
        """
        self._path = path
        self._rows = _read(path) if path.exists() else {}

    def __contains__(self, step_and_seed: tuple[int, int]) -> bool:
        """Whether a checkpoint has been evaluated with a seed."""
        return step_and_seed in self._rows

    def add(self, row: Row) -> None:
        """Adds a row, in place of one of the same step and seed.

        Raises:
            RunError: if the file cannot be written.
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


_COLUMNS: Sequence[str] = [field.name for field in dataclasses.fields(Row)]


def _read(path: pathlib.Path) -> dict[tuple[int, int], Row]:
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = [
                Row(
                    **{
                        name: (float if name in ("success", "low", "high") else int)(value)
                        for name, value in fields.items()
                    }
                )
                for fields in csv.DictReader(file)
            ]
    except (OSError, ValueError, TypeError) as error:
        raise errors.RunError(
            f"{path} cannot be read ({error}). Remove it; the job writes those rows no more."
        ) from error
    return {(row.step, row.seed): row for row in rows}
