"""The training loop: TF-Agents' Learner, validation, progress, and when to stop."""

from __future__ import annotations

import functools
import math
import pathlib
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import tensorflow as tf
import tqdm
from tf_agents.train import learner as learner_lib
from tf_agents.utils import common

from ibc_agents.agents import behavioral_cloning_agent
from ibc_agents.core import errors, files
from ibc_agents.runs import read_ahead, run_directory, settings

# Steps are run in calls of about this long: long enough for the Learner's overhead not to count,
# short enough for Ctrl-C and the progress line.
_SECONDS_A_CALL = 1.0
_MOST_STEPS_A_CALL = 200
# For the Learner's own checkpoints; it adds this to a step in 64 bits.
_NEVER = 2**62
# In the names of the nodes that write TensorBoard's scalars.
_SUMMARY = "write_summary"


def restore(
    directory: run_directory.RunDirectory, agent: behavioral_cloning_agent.BehavioralCloningAgent
) -> None:
    """Restores an agent from the newest checkpoint of a run, if there is one.

    The Learner restores it too, but leaves alone what it does not find there.

    Args:
        directory: of the run.
        agent: with its variables; it gets the checkpoint's weights, statistics and step.

    Raises:
        RunError: if the checkpoint is of another agent or damaged.
    """
    latest = directory.latest_checkpoint()
    if latest is None:
        return
    agent.initialize()
    checkpoint = tf.train.Checkpoint(agent=agent, train_step=agent.train_step_counter)
    try:
        checkpoint.restore(latest).assert_consumed()
    except (AssertionError, ValueError) as error:
        raise errors.RunError(
            f"The checkpoint {latest} is of another agent. Use the configuration that the run "
            "began with, or another --root_dir."
        ) from error
    except (tf.errors.OpError, IndexError) as error:
        reason = str(error).partition("\n")[0]
        raise errors.RunError(
            f"The checkpoint {latest} cannot be read ({reason}). To go on from the one before, "
            f"name it in {pathlib.Path(latest).with_name('checkpoint')}; or use "
            "another --root_dir."
        ) from error


class Trainer:
    """Trains an agent up to a number of steps, from its newest checkpoint on.

    Attributes:
        step: int, steps taken so far.
    """

    def __init__(
        self,
        directory: run_directory.RunDirectory,
        agent: behavioral_cloning_agent.BehavioralCloningAgent,
        make_dataset: Callable[[int], tf.data.Dataset],
        validation: Iterable[Any],
        numbers: settings.TrainingSettings,
        feedback: Callable[[Any, tf.Tensor], None] | None = None,
        strategy: tf.distribute.Strategy | None = None,
    ):
        """Restores the newest checkpoint, if there is one.

        Args:
            directory: of the run.
            agent: to be trained; its `train_step_counter` counts the steps.
            make_dataset: makes the endless dataset of `(Trajectory, info)` from a given step on.
            validation: batches of held-out experience; may be empty.
            numbers: how long, and how often to look.
            feedback: gets, in the graph, each batch's info and the losses of its windows ``[B]``.
            strategy: that the agent was built under; the processes of one that has several do the
                same in the same order.

        Raises:
            RunError: if the checkpoint is of another agent or damaged.
        """
        self._directory = directory
        self._agent = agent
        self._validation = list(validation)
        self._numbers = numbers
        self._strategy = strategy or tf.distribute.get_strategy()
        with self._strategy.scope():
            agent.initialize()
        restore(directory, agent)

        def after_step(sample: Any, loss_info: Any) -> None:
            assert feedback is not None
            feedback(sample[1], loss_info.extra[behavioral_cloning_agent.EXAMPLE_LOSSES])

        self._make_dataset = make_dataset
        self._learner = learner_lib.Learner(
            str(directory.path),
            agent.train_step_counter,
            agent,
            # Checkpoints are taken below, where a full disk can be told from other errors.
            checkpoint_interval=_NEVER,
            # The agent has made its optimiser's variables; for that a step would be traced twice.
            run_optimizer_variable_init=False,
            summary_interval=numbers.summary_interval,
            after_train_strategy_step_fn=after_step if feedback else None,
            strategy=self._strategy,
        )
        self._validation_loss = common.function(agent.validate)
        self._validation_writer = tf.summary.create_file_writer(str(directory.path / "validation"))
        self._steps_a_second = 0.0

    @property
    def step(self) -> int:
        """Steps taken so far."""
        return int(self._agent.train_step_counter.numpy())

    @functools.cached_property
    def _batches(self) -> read_ahead.ReadAhead:
        """Begun with the first step: whoever has taken all of them asks for no batch."""
        first_step = self.step
        with self._strategy.scope():
            dataset = self._strategy.distribute_datasets_from_function(
                lambda _: self._make_dataset(first_step)
            )
        return read_ahead.ReadAhead(iter(dataset))

    def run(self, title: str, watch_interval: int, watch: Callable[[int], str]) -> None:
        """Trains to the last step, with a progress line.

        Args:
            title: of the progress line.
            watch_interval: `watch` is called whenever so many steps have been taken.
            watch: gets the step, returns what the progress line says from then on.

        Raises:
            RunError: if too many steps in a row were not finite.
        """
        news = ""
        with tqdm.tqdm(
            total=self._numbers.num_steps,
            initial=self.step,
            desc=title,
            unit="step",
            dynamic_ncols=True,
        ) as bar:
            for loss in self.losses(watch_interval):
                if self.step % watch_interval == 0 and self.step < self._numbers.num_steps:
                    news = watch(self.step)
                bar.set_postfix_str(", ".join(filter(None, [f"loss {loss:.4g}", news])), False)
                bar.update(self.step - bar.n)

    def losses(self, watch_interval: int) -> Iterator[float]:
        """Trains to the last step, with checkpoints and validation.

        Whoever stops to iterate has stopped the training, and may want a `checkpoint`.

        Args:
            watch_interval: no steps are taken in one go beyond a multiple of it.

        Yields:
            The loss, about once a second.

        Raises:
            RunError: if too many steps in a row were not finite.
        """
        numbers, num_steps = self._numbers, self._numbers.num_steps
        intervals = (numbers.checkpoint_interval, numbers.validation_interval, watch_interval)
        while self.step < num_steps:
            boundary = min(
                num_steps, *(_next_multiple(self.step, interval) for interval in intervals)
            )
            loss = self._advance(boundary - self.step)
            self._check_finite()
            if self.step % numbers.checkpoint_interval == 0 or self.step == num_steps:
                self.checkpoint()
            if self.step % numbers.validation_interval == 0:
                self._validate()
            yield loss

    def _advance(self, limit: int) -> float:
        """Takes about a second's worth of steps, at most `limit`."""
        rate = self._mean(self._steps_a_second)
        wanted = max(1, min(math.ceil(rate * _SECONDS_A_CALL), _MOST_STEPS_A_CALL))
        steps = min(wanted, limit)
        started = time.perf_counter()
        try:
            loss = float(self._learner.run(steps, self._batches).loss)
        except tf.errors.OpError as error:
            if _SUMMARY not in error.message:
                raise
            raise files.disk_error(
                f"TensorBoard's scalars to {self._directory.path}", error
            ) from error
        self._steps_a_second = steps / (time.perf_counter() - started)
        return loss

    def _mean(self, number: float) -> float:
        """Over the strategy's processes: what they do must not depend on one's own clock."""
        numbers = self._strategy.experimental_distribute_values_from_function(
            lambda _: tf.constant(number)
        )
        return float(self._strategy.reduce(tf.distribute.ReduceOp.MEAN, numbers, axis=None))

    def checkpoint(self) -> None:
        """Writes a checkpoint.

        Raises:
            RunError: if it cannot be written.
        """
        with files.report_disk_errors(
            f"the checkpoint of step {self.step} to {self._directory.path}"
        ):
            # The Learner appends its checkpoint trigger last.
            self._learner.triggers[-1](self.step, force_trigger=True)
            self._learner.train_summary_writer.flush()

    def _check_finite(self) -> None:
        skipped = int(self._agent.skipped_steps_in_a_row.numpy())
        if skipped >= self._numbers.max_skipped_steps:
            raise errors.RunError(
                f"Stopped at step {self.step}: the loss or its gradients were not finite in the "
                f"last {skipped} steps, all of which were skipped. Lower the learning rate, or "
                "look for extreme values with `python -m data.inspect`."
            )

    def _validate(self) -> None:
        if not self._validation:
            return
        infos = [self._validation_loss(batch) for batch in self._validation]
        mean = tf.nest.map_structure(lambda *values: tf.reduce_mean(tf.stack(values)), *infos)
        with (
            files.report_disk_errors(f"TensorBoard's scalars to {self._directory.path}"),
            self._validation_writer.as_default(step=self.step),
        ):
            for name, value in {"loss": mean.loss, **mean.extra}.items():
                tf.summary.scalar(name, value)
            self._validation_writer.flush()


def _next_multiple(step: int, interval: int) -> int:
    return (step // interval + 1) * interval
