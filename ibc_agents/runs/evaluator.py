"""Evaluates a run's policy: while it trains, and at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from environments import base
from ibc_agents.core import files
from ibc_agents.rollouts import evaluation
from ibc_agents.runs import run_directory, settings
from ibc_agents.visualization import energy_landscape, landscape_plots, videos

# Watching a run must not use up the episodes of its final evaluation.
WATCHING_SEED_OFFSET = 1_000_000
# Of the names of scalars of those evaluations.
WATCHED = "_while_training"


class Evaluator:
    """Runs evaluations in an environment and leaves their traces in the run's folder."""

    def __init__(
        self,
        directory: run_directory.RunDirectory,
        make_environment: Callable[[], base.Environment],
        numbers: settings.EvaluationSettings,
        look: Callable[[], energy_landscape.Landscape] | None = None,
    ):
        """Creates the evaluator; environments are made when they are needed.

        Args:
            directory: of the run.
            make_environment: makes one environment.
            numbers: how success is measured.
            look: computes the energy landscape at an observation that stays the same, which is
                shown beside each success; None for agents without an energy.
        """
        self._directory = directory
        self._make_environment = make_environment
        self._numbers = numbers
        self._look = look
        self._writer = tf.summary.create_file_writer(str(directory.path / "evaluation"))

    def watch(self, policy: Any, step: int) -> str:
        """Evaluates a few episodes of other seeds than the final ones; for the progress line."""
        seen = evaluation.evaluate(
            policy,
            self._make_environment,
            self._numbers.watched_episodes,
            self._numbers.seed + WATCHING_SEED_OFFSET,
            self._numbers.batch_size,
        )
        self.log(seen, step, WATCHED)
        return f"success {seen.success_rate:.0%}, return {seen.mean_return:.2f}"

    def finish(self, policy: Any, step: int) -> evaluation.Evaluation:
        """Evaluates all episodes and writes the video."""
        recorder = videos.RolloutRecorder()
        result = evaluation.evaluate(
            policy,
            self._make_environment,
            self._numbers.num_episodes,
            self._numbers.seed,
            self._numbers.batch_size,
            recorder,
            self._numbers.recorded_episodes,
        )
        self.log(result, step)
        if self._numbers.recorded_episodes:
            recorder.write(self._directory.path / run_directory.VIDEO)
        return result

    def log(self, result: evaluation.Evaluation, step: int, suffix: str = "") -> None:
        """Shows a result in TensorBoard.

        Args:
            result: of an evaluation.
            step: train step of the policy.
            suffix: of the scalars' names.

        Raises:
            RunError: if the disk is full.
        """
        picture = None
        # Before the block: what goes wrong here is no failure of the disk.
        if self._look is not None:
            drawing = landscape_plots.draw(self._look(), title=f"step {step}")
            picture = landscape_plots.rasterize(drawing)
        with (
            files.report_disk_errors(f"TensorBoard's scalars to {self._directory.path}"),
            self._writer.as_default(step=step),
        ):
            tf.summary.scalar(f"success{suffix}", result.success_rate)
            tf.summary.scalar(f"return{suffix}", result.mean_return)
            if picture is not None:
                tf.summary.image("energy_landscape", picture[None])
            self._writer.flush()
