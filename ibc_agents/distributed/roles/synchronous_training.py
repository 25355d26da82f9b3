"""Training that all learners of a job run in the same way at the same time."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Iterator, Sequence

import tensorflow as tf

from data.sources import reverb_source
from ibc_agents.distributed.messaging import channels, experience_messages, tables
from ibc_agents.distributed.processes import role_process
from ibc_agents.distributed.roles import learner_group, membership, role_context
from ibc_agents.runs import run_directory, trainer

_LOG_SECONDS = 10.0
_ENDLESS = tf.data.INFINITE_CARDINALITY


class SynchronousTraining:
    """Trains to the last step, together with the other learners of a group."""

    def __init__(
        self,
        context: role_context.RoleContext,
        member: membership.Membership,
        directory: run_directory.RunDirectory,
        group: learner_group.LearnerGroup,
    ) -> None:
        """Restores the newest checkpoint of the chief, if there is one.

        Args:
            context: Experiment, process and cluster.
            member: Membership, whose agent was created in the strategy of the group.
            directory: Folder of this learner's checkpoints.
            group: All learners.

        Raises:
            RunError: If the checkpoint belongs to another agent, or the batch size is no multiple
                of the number of learners.
        """
        self._settings = context.experiment.training
        self._interval = context.experiment.evaluation.interval
        self._process = context.process
        self._group = group
        dataset_info, source = member.job.dataset_info, _make_source(context)
        directory.check_dataset(dataset_info.dataset_hash, dataset_info.name)
        addresses = [server.address for server in member.servers]
        member.primary.retry(lambda: source.connect(addresses, dataset_info.spec))
        batch_size = group.local_batch_size(self._settings.batch_size)

        def make_dataset(step: int) -> tf.data.Dataset:
            seed = context.experiment.seed
            batches = source.dataset(member.job.window, batch_size, seed, step)
            # Without a known cardinality, the learners exchange before every step whether all of
            # them have a batch.
            return batches.apply(tf.data.experimental.assert_cardinality(_ENDLESS))

        self._trainer = trainer.Trainer(
            directory,
            member.agent,
            make_dataset,
            _receive_validation_batches(member),
            self._settings,
            strategy=group.strategy,
        )
        if group.count > 1:
            # A restored Learner has one more variable, the number of its checkpoints. The learners
            # must create the same variables; after another checkpoint all have it.
            self._trainer.save_checkpoint()
        group.broadcast_from_chief(member.agent)

    @property
    def step(self) -> int:
        """Number of steps taken."""
        return self._trainer.step

    def run(self, on_progress: Callable[[], None] = lambda: None) -> None:
        """Trains to the last step.

        Args:
            on_progress: Called before the first step, then about once a second and at each multiple
                of `EvaluationSettings.interval`.

        Raises:
            RunError: If too many steps in a row were not finite, or a checkpoint cannot be written.
            ShutdownRequested: If this process has been asked to stop; a checkpoint is written.
        """
        process, num_steps = self._process, self._settings.num_steps
        process.health.ready = True
        process.health.step = self.step
        process.log(f"training from step {self.step} to {num_steps}")
        on_progress()  # A kill between a checkpoint and this call must not skip the step.
        self._last_log_time, self._last_log_step = time.monotonic(), self.step
        self._trainer.train(self._interval, functools.partial(self._after_steps, on_progress))

    def _after_steps(self, on_progress: Callable[[], None], step: int, loss: float) -> None:
        """Reports the progress, and stops if any learner has been asked to stop."""
        self._process.health.step = step
        on_progress()
        self._log_progress(step, loss)
        # After the last step, this also waits until the chief has written its checkpoint.
        if self._group.any(self._process.shutdown.is_requested):
            self._stop()

    def _log_progress(self, step: int, loss: float) -> None:
        now, num_steps = time.monotonic(), self._settings.num_steps
        if now - self._last_log_time > _LOG_SECONDS or step == num_steps:
            rate = (step - self._last_log_step) / (now - self._last_log_time)
            self._process.log(f"step {step} of {num_steps}, {rate:.0f} steps/s, loss {loss:.4g}")
            self._last_log_time, self._last_log_step = now, step

    def _stop(self) -> None:
        self._trainer.save_checkpoint()
        self._process.log(f"stopped at step {self.step}; the same command continues from there")
        self._process.shutdown.check()
        self._process.abort("another learner of the job was stopped")


@contextlib.contextmanager
def abort_without_others(
    group: learner_group.LearnerGroup, process: role_process.RoleProcess
) -> Iterator[None]:
    """Aborts the process if another learner is lost in the block."""
    try:
        yield
    except tf.errors.OpError as error:
        if group.count == 1:
            raise
        reason = error.message.strip().partition("\n")[0]
        process.abort(
            f"another learner is lost ({reason}). Run this command again; all learners continue "
            "from the last checkpoint."
        )


def _make_source(context: role_context.RoleContext) -> reverb_source.ReverbSource:
    source = context.experiment.source
    if isinstance(source, reverb_source.ReverbSource):
        return source
    context.process.log(f"sampling from replay servers instead of {type(source).__name__}")
    return reverb_source.ReverbSource()


def _receive_validation_batches(member: membership.Membership) -> Sequence:
    dataset_info = member.job.dataset_info
    if not dataset_info.validation_episodes:
        return []
    member.primary.wait_until(lambda sizes: sizes[tables.VALIDATION_BATCHES] > 0)
    channel = channels.Broadcast(member.primary.address, tables.VALIDATION_BATCHES)
    return experience_messages.decode_batches(member.primary.retry(channel.read), dataset_info.spec)
