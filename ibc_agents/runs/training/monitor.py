"""Progress bar of a training, and the evaluations during it."""

from __future__ import annotations

from typing import Any

import tqdm

from ibc_agents.runs import evaluator as evaluator_lib


class TrainingMonitor:
    """Shows step, loss, steps/s, ETA and the latest evaluation in a progress bar.

    A context manager; the bar ends with it.
    """

    def __init__(
        self,
        title: str,
        evaluator: evaluator_lib.Evaluator | None,
        evaluation_interval: int,
        first_step: int,
        num_steps: int,
    ):
        """Creates the monitor; the bar appears when the context is entered.

        Args:
            title: Title of the progress bar.
            evaluator: Evaluates the policy that is trained; None without an environment.
            evaluation_interval: Training steps between evaluations.
            first_step: Number of steps before this process.
            num_steps: Number of steps of the training.
        """
        self._title = title
        self._evaluator = evaluator
        self._evaluation_interval = evaluation_interval
        self._first_step = first_step
        self._num_steps = num_steps
        self._latest_evaluation = ""

    def __enter__(self) -> TrainingMonitor:
        self._bar = tqdm.tqdm(
            total=self._num_steps,
            initial=self._first_step,
            desc=self._title,
            unit="step",
            dynamic_ncols=True,
        )
        return self

    def __exit__(self, *_: Any) -> None:
        self._bar.close()

    def on_progress(self, step: int, loss: float) -> None:
        """Updates the bar, and evaluates the policy if the step is a multiple of the interval.

        The last step is left to the final evaluation.

        Args:
            step: Number of steps taken.
            loss: Loss of the last step.
        """
        is_due = step % self._evaluation_interval == 0 and step < self._num_steps
        if self._evaluator is not None and is_due:
            result = self._evaluator.evaluate_during_training(step)
            self._latest_evaluation = (
                f", success {result.success_rate:.0%}, return {result.mean_return:.2f}"
            )
        self._bar.set_postfix_str(f"loss {loss:.4g}{self._latest_evaluation}", refresh=False)
        self._bar.update(step - self._bar.n)
