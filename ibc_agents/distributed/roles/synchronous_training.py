"""The training that all learners of a job run in the same way at the same time."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Sequence

import tensorflow as tf

from data.sources import reverb_source
from ibc_agents.distributed.messaging import channels, experience_messages, tables
from ibc_agents.distributed.processes import role_process
from ibc_agents.distributed.roles import learner_group, membership, role_context
from ibc_agents.runs import run_directory
from ibc_agents.runs.training import trainer as trainer_lib

_ENDLESS = tf.data.INFINITE_CARDINALITY


def make_trainer(
    context: role_context.RoleContext,
    member: membership.Membership,
    directory: run_directory.RunDirectory,
    group: learner_group.LearnerGroup,
) -> trainer_lib.Trainer:
    """Makes the trainer of a learner, which starts from the chief's newest checkpoint.

    Args:
        context: Experiment, process and cluster.
        member: Membership, whose agent was created in the strategy of the group.
        directory: Folder of this learner's checkpoints.
        group: All learners.

    Raises:
        RunError: If the run began with another dataset or other settings, the checkpoint belongs to
            another agent, or the batch size is not a multiple of the number of learners.
    """
    config, dataset_info = context.experiment.training, member.job.dataset_info
    directory.check_dataset(dataset_info.dataset_hash, dataset_info.name)
    directory.check_settings(context.experiment.describe_settings())
    trainer = trainer_lib.Trainer(
        directory,
        member.agent,
        functools.partial(
            _make_dataset,
            _connect_source(context, member),
            member.job.window,
            group.local_batch_size(config.batch_size),
            context.experiment.seed,
        ),
        _receive_validation_batches(member),
        config,
        strategy=group.strategy,
    )
    group.broadcast_from_chief(member.agent)
    return trainer


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


def _connect_source(
    context: role_context.RoleContext, member: membership.Membership
) -> reverb_source.ReverbSource:
    """Returns the source of the experiment, or a new one if it does not sample from servers."""
    source = context.experiment.source
    if not isinstance(source, reverb_source.ReverbSource):
        context.process.log(f"sampling from replay servers instead of {type(source).__name__}")
        source = reverb_source.ReverbSource()
    addresses = [server.address for server in member.servers]
    spec = member.job.dataset_info.spec
    member.primary.retry(lambda: source.connect(addresses, spec))
    return source


def _make_dataset(
    source: reverb_source.ReverbSource, window: int, batch_size: int, seed: int, first_step: int
) -> tf.data.Dataset:
    batches = source.dataset(window, batch_size, seed, first_step)
    # Without a known cardinality, the learners exchange before every step whether all of them have
    # a batch.
    return batches.apply(tf.data.experimental.assert_cardinality(_ENDLESS))


def _receive_validation_batches(member: membership.Membership) -> Sequence:
    dataset_info = member.job.dataset_info
    if not dataset_info.validation_episodes:
        return []
    member.primary.wait_until(lambda sizes: sizes[tables.VALIDATION_BATCHES] > 0)
    channel = channels.Broadcast(member.primary.address, tables.VALIDATION_BATCHES)
    return experience_messages.decode_batches(member.primary.retry(channel.read), dataset_info.spec)
