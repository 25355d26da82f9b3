"""Evaluations of a run's policy, and their files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from environments import base
from ibc_agents.core import files
from ibc_agents.rollouts import evaluation
from ibc_agents.runs import run_directory, settings, validation
from ibc_agents.visualization import videos

# Evaluations during the training use other episodes than the final one, so that choosing a
# checkpoint by them does not bias the final result.
INTERVAL_SEED_OFFSET = 1_000_000
# Suffix of the TensorBoard scalars of evaluations during the training.
INTERVAL_SUFFIX = "_while_training"


class Evaluator:
    """Evaluates policies and writes results to TensorBoard."""

    def __init__(
        self,
        directory: run_directory.RunDirectory,
        make_environment: Callable[[], base.Environment],
        config: settings.EvaluationSettings,
        landscape: validation.HeldOutLandscape | None = None,
    ):
        """Creates the evaluator; it makes no environment yet.

        Args:
            directory: Folder of the run.
            make_environment: Makes one environment.
            config: Numbers and seed of the episodes.
            landscape: Energy landscape to show with each result; None if the agent has no energy.
        """
        self._directory = directory
        self._make_environment = make_environment
        self._config = config
        self._landscape = landscape
        self._writer = tf.summary.create_file_writer(str(directory.path / "evaluation"))

    def evaluate_during_training(self, policy: Any, step: int) -> evaluation.Evaluation:
        """Evaluates a few episodes with other seeds than those of the final evaluation.

        Args:
            policy: Policy to evaluate.
            step: Training step of the policy.
        """
        config = self._config
        result = evaluation.evaluate(
            policy,
            self._make_environment,
            config.interval_episodes,
            config.seed + INTERVAL_SEED_OFFSET,
            config.batch_size,
        )
        self.log(result, step, INTERVAL_SUFFIX)
        return result

    def evaluate_final(self, policy: Any, step: int) -> evaluation.Evaluation:
        """Evaluates all episodes and writes the video.

        Args:
            policy: Policy to evaluate.
            step: Training step of the policy.
        """
        config = self._config
        recorder = videos.RolloutRecorder()
        result = evaluation.evaluate(
            policy,
            self._make_environment,
            config.num_episodes,
            config.seed,
            config.batch_size,
            recorder,
            config.recorded_episodes,
        )
        self.log(result, step)
        if config.recorded_episodes:
            recorder.write(self._directory.path / run_directory.VIDEO)
        return result

    def log(self, result: evaluation.Evaluation, step: int, suffix: str = "") -> None:
        """Writes a result and the energy landscape to TensorBoard.

        Args:
            result: Result of an evaluation.
            step: Training step of the policy.
            suffix: Suffix of the names of the scalars.

        Raises:
            RunError: If the disk is full.
        """
        # Outside the block below, which reports all TensorFlow errors as a full disk.
        image = None if self._landscape is None else self._landscape.rasterize(f"step {step}")
        with (
            files.report_disk_errors(f"TensorBoard's scalars to {self._directory.path}"),
            self._writer.as_default(step=step),
        ):
            tf.summary.scalar(f"success{suffix}", result.success_rate)
            tf.summary.scalar(f"return{suffix}", result.mean_return)
            if image is not None:
                _log_landscape(image)
            self._writer.flush()


def _log_landscape(image: np.ndarray) -> None:
    tf.summary.image("energy_landscape", image[None])
