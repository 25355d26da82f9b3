"""Evaluations of a run's policy, and their files."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from environments import base
from ibc_agents.core import files
from ibc_agents.rollouts import actors, evaluation
from ibc_agents.runs import run_directory, settings, validation
from ibc_agents.visualization import videos

# Evaluations during the training use other episodes than the final one, so that choosing a
# checkpoint by them does not bias the final result.
INTERVAL_SEED_OFFSET = 1_000_000
# Suffix of the TensorBoard scalars of evaluations during the training.
INTERVAL_SUFFIX = "_while_training"


class Evaluator:
    """Evaluates the policy of a run at any number of steps, and writes results to TensorBoard.

    All evaluations of as many rows share their environments and the traced policy: a policy that
    is traced again costs megabytes that TensorFlow does not free.
    """

    def __init__(
        self,
        directory: run_directory.RunDirectory,
        policy: actors.Policy,
        make_environment: Callable[[], base.Environment],
        config: settings.EvaluationSettings,
        landscape: validation.HeldOutLandscape | None = None,
    ):
        """Creates the evaluator; it makes no environment yet.

        Args:
            directory: Folder of the run.
            policy: Policy to evaluate, with its weights at the time of an evaluation.
            make_environment: Makes one environment.
            config: Numbers and seed of the episodes.
            landscape: Energy landscape to show with each result; None if the agent has no energy.
        """
        self._directory = directory
        self._policy = policy
        self._make_environment = make_environment
        self._config = config
        self._landscape = landscape
        self._writer = tf.summary.create_file_writer(str(directory.path / "evaluation"))
        self._runners: dict[int, evaluation.EpisodeRunner] = {}  # by number of rows

    def evaluate_during_training(self, step: int) -> evaluation.Evaluation:
        """Evaluates a few episodes with other seeds than those of the final evaluation.

        Args:
            step: Training step of the policy.
        """
        config = self._config
        result = self._evaluate(config.interval_episodes, config.seed + INTERVAL_SEED_OFFSET)
        self.log(result, step, INTERVAL_SUFFIX)
        return result

    def evaluate_final(self, step: int) -> evaluation.Evaluation:
        """Evaluates all episodes; `write_video` writes their video.

        Args:
            step: Training step of the policy.
        """
        config = self._config
        self._recorder = videos.RolloutRecorder()
        result = self._evaluate(
            config.num_episodes, config.seed, self._recorder, config.recorded_episodes
        )
        self.log(result, step)
        return result

    def write_video(self) -> None:
        """Writes the video of the final evaluation. Call it once the outcomes are on the disk.

        Raises:
            RunError: If it cannot be written.
        """
        if self._config.recorded_episodes:
            self._recorder.write(self._directory.path / run_directory.VIDEO)

    def close(self) -> None:
        """Closes the environments."""
        with contextlib.ExitStack() as stack:
            for runner in self._runners.values():
                stack.callback(runner.close)
        self._runners.clear()

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

    def _evaluate(
        self,
        num_episodes: int,
        seed: int,
        on_image: evaluation.OnImage | None = None,
        num_recorded: int = 0,
    ) -> evaluation.Evaluation:
        rows = min(self._config.batch_size, num_episodes)
        if rows not in self._runners:
            self._runners[rows] = evaluation.EpisodeRunner(
                self._policy, self._make_environment, rows
            )
        outcomes = self._runners[rows].run(seed, range(num_episodes), on_image, num_recorded)
        return evaluation.Evaluation(seed, tuple(outcomes))


def _log_landscape(image: np.ndarray) -> None:
    tf.summary.image("energy_landscape", image[None])
