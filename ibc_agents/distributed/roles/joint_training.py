"""What every learner of a job does, the same in all of them at the same time."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence

import tensorflow as tf

from data.sources import reverb_source
from ibc_agents.distributed.messaging import messages, tables
from ibc_agents.distributed.processes import role_process
from ibc_agents.distributed.roles import held_out_batches, joining, team
from ibc_agents.runs import experiment, run_directory, trainer

_SECONDS_BETWEEN_LINES = 10.0
_ENDLESS = tf.data.INFINITE_CARDINALITY


class JointTraining:
    """Trains to the last step, together with the other learners of a team."""

    def __init__(
        self,
        configured: experiment.Experiment,
        process: role_process.RoleProcess,
        member: joining.Membership,
        directory: run_directory.RunDirectory,
        learners: team.Team,
    ) -> None:
        """Restores the chief's newest checkpoint, if there is one.

        Args:
            configured: what the job is.
            process: this one.
            member: with the agent, built under the team's strategy.
            directory: where this learner leaves checkpoints.
            learners: the team.

        Raises:
            RunError: if the checkpoint is of another agent, or the batch cannot be shared.
        """
        self._configured = configured
        self._process = process
        self._learners = learners
        card, source = member.job.card, self._source()
        directory.check_dataset(card.dataset_hash, card.name)
        addresses = [server.address for server in member.servers]
        member.hub.call(lambda: source.connect(addresses, card.spec))
        window = member.job.window
        batch_size = learners.share_of(configured.training.batch_size)

        def make_dataset(step: int) -> tf.data.Dataset:
            batches = source.dataset(window, batch_size, configured.seed, step)
            # Or the learners would ask each other before every step whether all have a batch.
            return batches.apply(tf.data.experimental.assert_cardinality(_ENDLESS))

        self._trainer = trainer.Trainer(
            directory,
            member.agent,
            make_dataset,
            _held_out(member),
            configured.training,
            strategy=learners.strategy,
        )
        if learners.count > 1:
            # A Learner that was restored has a variable more, the number of its checkpoints; one
            # more checkpoint makes all alike, as those who create variables together must be.
            self._trainer.checkpoint()
        learners.follow_chief(member.agent)

    def _source(self) -> reverb_source.ReverbSource:
        """Returns what samples from replay servers, as a distributed job does in any case."""
        source = self._configured.source
        if isinstance(source, reverb_source.ReverbSource):
            return source
        self._process.say(f"batches come from replay servers in place of {type(source).__name__}")
        return reverb_source.ReverbSource()

    @property
    def step(self) -> int:
        """Steps taken so far."""
        return self._trainer.step

    def run(self, look: Callable[[], None] = lambda: None) -> None:
        """Trains to the last step.

        Args:
            look: called at first, and then about once a second, whenever
                `EvaluationSettings.interval` steps have been taken among others.

        Raises:
            RunError: if too many steps in a row were not finite, or the disk is full.
            Stopped: this process is to stop; a checkpoint is written.
        """
        trainer, process = self._trainer, self._process
        num_steps = self._configured.training.num_steps
        process.health.ready = True
        process.health.step = trainer.step
        process.say(f"training from step {trainer.step} to {num_steps}")
        look()  # A kill may have come between the checkpoint and this.
        said, said_step = time.monotonic(), trainer.step
        for loss in trainer.losses(self._configured.evaluation.interval):
            process.health.step = trainer.step
            look()
            now = time.monotonic()
            if now - said > _SECONDS_BETWEEN_LINES or trainer.step == num_steps:
                rate = (trainer.step - said_step) / (now - said)
                process.say(
                    f"step {trainer.step} of {num_steps}, {rate:.0f} steps/s, loss {loss:.4g}"
                )
                said, said_step = now, trainer.step
            # After the last step this also tells that the chief has written its checkpoint.
            if self._learners.any(process.stop.is_asked):
                trainer.checkpoint()
                process.say(f"stopped at step {trainer.step}; the same command goes on from there")
                process.stop.check()
                process.give_up("Another learner of the job was stopped.")


@contextlib.contextmanager
def none_missing(learners: team.Team, process: role_process.RoleProcess) -> Iterator[None]:
    """Ends the process when another learner is gone: all begin again from the checkpoint."""
    try:
        yield
    except tf.errors.OpError as error:
        if learners.count == 1:
            raise
        reason = error.message.strip().partition("\n")[0]
        process.give_up(
            f"Another learner has gone ({reason}). Start this command again: all go on from the "
            "last checkpoint."
        )


def _held_out(member: joining.Membership) -> Sequence:
    if not member.job.card.validation_episodes:
        return []
    member.hub.wait_for(lambda sizes: sizes[tables.HELD_OUT] > 0)
    board = messages.Board(member.hub.address, tables.HELD_OUT)
    message = member.hub.call(board.get)
    return held_out_batches.from_message(message, member.job.card.spec)
