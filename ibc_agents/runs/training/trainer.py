"""The training loop: TF-Agents' Learner, checkpoints and validation."""

from __future__ import annotations

import contextlib
import functools
import math
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import tensorflow as tf
from tf_agents.train import learner as learner_lib
from tf_agents.trajectories import trajectory
from tf_agents.utils import common

from ibc_agents.agents import behavioral_cloning_agent
from ibc_agents.core import errors, files
from ibc_agents.runs import run_directory, settings
from ibc_agents.runs.training import read_ahead

# Duration of one call of the Learner: long enough to make its overhead negligible, short enough
# for Ctrl-C and the progress bar.
_SECONDS_PER_CALL = 1.0
_MAX_STEPS_PER_CALL = 200
# Interval of the Learner's own checkpoints. It adds this to a step in 64 bits.
_NEVER = 2**62
# In the names of the graph nodes that write TensorBoard's scalars.
_SUMMARY_NODE = "write_summary"
_REMEDY = (
    "Lower the learning rate, correct the settings of the optimizer, or check for extreme values "
    "with `python -m data.inspect`."
)

OnProgress = Callable[[int, float], None]


class Trainer:
    """Trains an agent from its newest checkpoint up to a number of steps."""

    def __init__(
        self,
        directory: run_directory.RunDirectory,
        agent: behavioral_cloning_agent.BehavioralCloningAgent,
        make_dataset: Callable[[int], tf.data.Dataset],
        validation_batches: Iterable[trajectory.Trajectory],
        config: settings.TrainingSettings,
        feedback: Callable[[Any, tf.Tensor], None] | None = None,
        strategy: tf.distribute.Strategy | None = None,
    ):
        """Restores the newest checkpoint, if there is one.

        Args:
            directory: Folder of the run.
            agent: Agent to train; its `train_step_counter` counts the steps.
            make_dataset: Returns the endless dataset of `(Trajectory, info)` that begins at a
                training step.
            validation_batches: Batches of held-out experience; may be empty.
            config: Length and intervals of the training.
            feedback: Receives the info of each batch and the losses of its windows, float32 [B],
                in the graph of the training step.
            strategy: Distribution strategy under which the agent was built. All processes of a
                strategy must make the same calls in the same order.

        Raises:
            RunError: If the checkpoint belongs to another agent, no checkpoint can be read, or the
                run has results but no checkpoint.
        """
        self._directory = directory
        self._agent = agent
        self._make_dataset = make_dataset
        self._validation_batches = list(validation_batches)
        self._config = config
        self._feedback = feedback
        self._strategy = strategy or tf.distribute.get_strategy()
        with self._strategy.scope():
            agent.initialize()
        directory.restore_checkpoint(agent)
        # The Learner restores what it finds in its own folder, and ignores damage. It gets an empty
        # folder, because `directory.checkpoints` reads and writes the checkpoints.
        with tempfile.TemporaryDirectory(prefix=".learner-", dir=directory.path) as empty:
            self._learner = learner_lib.Learner(
                empty,
                agent.train_step_counter,
                agent,
                checkpoint_interval=_NEVER,
                # The agent has created its optimizer's variables. The Learner would trace one step
                # twice to create them.
                run_optimizer_variable_init=False,
                summary_interval=config.summary_interval,
                summary_root_dir=str(directory.path),
                after_train_strategy_step_fn=self._pass_feedback if feedback else None,
                strategy=self._strategy,
            )
        self._validation_loss = common.function(agent.validate)
        self._validation_writer = tf.summary.create_file_writer(str(directory.path / "validation"))
        self._steps_per_second = 0.0

    @property
    def step(self) -> int:
        """Number of steps taken so far, those before the checkpoint included."""
        return int(self._agent.train_step_counter.numpy())

    def train(self, evaluation_interval: int, on_progress: OnProgress) -> None:
        """Trains to the last step, with checkpoints and validation.

        Args:
            evaluation_interval: Interval of steps at whose multiples `on_progress` is called.
            on_progress: Called with the step and its loss, about once a second and at each multiple
                of `evaluation_interval`. An exception from it ends the training.

        Raises:
            KeyboardInterrupt: If a signal has asked to stop. The last step is in a checkpoint.
            RunError: If too many consecutive steps were not finite, or the disk is full.
        """
        config = self._config
        try:
            while self.step < config.num_steps:
                num_steps = self._num_steps_of_next_call(evaluation_interval)
                started = time.perf_counter()
                with self._report_summary_errors():
                    loss = float(self._learner.run(num_steps, self._batches).loss)
                self._steps_per_second = num_steps / (time.perf_counter() - started)
                self._check_finite()
                if self.step % config.checkpoint_interval == 0 or self.step == config.num_steps:
                    self.save_checkpoint()
                if self.step % config.validation_interval == 0:
                    self._validate()
                on_progress(self.step, loss)
        except KeyboardInterrupt:
            self.save_checkpoint()
            raise

    def save_checkpoint(self) -> None:
        """Writes a checkpoint.

        Raises:
            RunError: If it cannot be written, or the state of the optimizer is not finite.
        """
        if not self._agent.has_finite_optimizer_state():
            raise errors.RunError(
                f"training stopped at step {self.step}: the state of the optimizer is not finite. "
                f"The last checkpoint is kept. {_REMEDY}"
            )
        target = f"the checkpoint of step {self.step} to {self._directory.path}"
        with files.report_disk_errors(target):
            self._directory.checkpoints.save(self._agent)
            self._learner.train_summary_writer.flush()

    @functools.cached_property
    def _batches(self) -> read_ahead.ReadAhead:
        """The batches from the current step on. A finished run never makes them."""
        first_step = self.step
        with self._strategy.scope():
            dataset = self._strategy.distribute_datasets_from_function(
                lambda _: self._make_dataset(first_step)
            )
        return read_ahead.ReadAhead(iter(dataset))

    def _num_steps_of_next_call(self, evaluation_interval: int) -> int:
        """Returns about a second's steps, at most up to the next checkpoint or other event."""
        config, step = self._config, self.step
        rate = self._mean_over_processes(self._steps_per_second)
        num_steps = max(1, min(math.ceil(rate * _SECONDS_PER_CALL), _MAX_STEPS_PER_CALL))
        intervals = (config.checkpoint_interval, config.validation_interval, evaluation_interval)
        next_event = min((step // interval + 1) * interval for interval in intervals)
        return min(num_steps, next_event - step, config.num_steps - step)

    def _mean_over_processes(self, number: float) -> float:
        """Returns the same value in all processes of the strategy, whose clocks differ."""
        numbers = self._strategy.experimental_distribute_values_from_function(
            lambda _: tf.constant(number)
        )
        return float(self._strategy.reduce(tf.distribute.ReduceOp.MEAN, numbers, axis=None))

    def _pass_feedback(self, sample: Any, loss_info: Any) -> None:
        """Passes the losses of a batch to the source; the Learner calls it in its graph."""
        assert self._feedback is not None
        _, info = sample
        self._feedback(info, loss_info.extra[behavioral_cloning_agent.EXAMPLE_LOSSES])

    @contextlib.contextmanager
    def _report_summary_errors(self) -> Iterator[None]:
        try:
            yield
        except tf.errors.OpError as error:
            if _SUMMARY_NODE not in error.message:
                raise
            raise files.disk_error(self._summary_target, error) from error

    @property
    def _summary_target(self) -> str:
        return f"TensorBoard's scalars to {self._directory.path}"

    def _check_finite(self) -> None:
        num_skipped = int(self._agent.skipped_steps_in_a_row.numpy())
        if num_skipped >= self._config.max_skipped_steps:
            raise errors.RunError(
                f"training stopped at step {self.step}: the loss, its gradients or the updated "
                f"weights were not finite in the last {num_skipped} steps, which were skipped. "
                f"{_REMEDY}"
            )

    def _validate(self) -> None:
        """Writes the mean losses of the validation batches to TensorBoard."""
        if not self._validation_batches:
            return
        infos = [self._validation_loss(batch) for batch in self._validation_batches]
        mean = tf.nest.map_structure(lambda *values: tf.reduce_mean(tf.stack(values)), *infos)
        with (
            files.report_disk_errors(self._summary_target),
            self._validation_writer.as_default(step=self.step),
        ):
            for name, value in {"loss": mean.loss, **mean.extra}.items():
                tf.summary.scalar(name, value)
            self._validation_writer.flush()
