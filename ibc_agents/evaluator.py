"""Evaluates a run's policy: while it trains, and at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from environments import base
from ibc_agents import (
    disk,
    evaluation,
    landscape,
    landscape_plots,
    run_directory,
    settings,
    videos,
)

# Watching a run must not use up the episodes of its final evaluation.
_WATCHING_SEED_OFFSET = 1_000_000


class Evaluator:
    """Runs evaluations in an environment and leaves their traces in the run's folder."""

    def __init__(
        self,
        directory: run_directory.RunDirectory,
        make_environment: Callable[[], base.Environment],
        numbers: settings.EvaluationSettings,
        look: Callable[[], landscape.Landscape] | None = None,
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
            self._numbers.seed + _WATCHING_SEED_OFFSET,
            self._numbers.batch_size,
        )
        self._log(seen, "success_while_training", step)
        return f"success {seen.success_rate:.0%}"

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
        self._log(result, "success", step)
        if self._numbers.recorded_episodes:
            recorder.write(self._directory.path / run_directory.VIDEO)
        return result

    def _log(self, result: evaluation.Evaluation, name: str, step: int) -> None:
        picture = None
        # Before the block: what goes wrong here is no failure of the disk.
        if self._look is not None:
            drawing = landscape_plots.draw(self._look(), title=f"step {step}")
            picture = landscape_plots.rasterize(drawing)
        with (
            disk.writing(f"TensorBoard's scalars to {self._directory.path}"),
            self._writer.as_default(step=step),
        ):
            tf.summary.scalar(name, result.success_rate)
            if picture is not None:
                tf.summary.image("energy_landscape", picture[None])
            self._writer.flush()
