"""The replay server: holds the demonstrations, gathered episodes, policy and messages."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import time

import reverb
from tf_agents.trajectories import trajectory

from data import errors as data_errors
from data.reading import demonstrations
from data.sources import replay_server, server_port
from ibc_agents.agents import behavioral_cloning_agent
from ibc_agents.core import errors, files
from ibc_agents.distributed import job_directory
from ibc_agents.distributed.messaging import (
    channels,
    evaluation_messages,
    experience_messages,
    job_configuration,
    job_spec,
    server_connection,
    tables,
)
from ibc_agents.distributed.processes import ports, role_process
from ibc_agents.distributed.roles import (
    gathered_episodes,
    membership,
    replay_checkpoint,
    role_context,
)
from ibc_agents.runs import dataset_info as dataset_info_lib
from ibc_agents.runs import validation
from ibc_agents.runs.records import file_lock

_POLL_SECONDS = 0.5
# Time for evaluators and actors to read that the job has finished.
_FINISH_SECONDS = 5.0


def run(context: role_context.RoleContext) -> None:
    """Serves until the job has finished.

    The first server collects the demonstrations if they do not exist. The others wait for it, since
    they may share its disk. Each server holds its partition of the episodes.

    Args:
        context: Experiment, process and cluster.

    Raises:
        UserError: If something is wrong that the user can fix.
        ShutdownRequested: If this process has been asked to stop.
    """
    partition, port = _find_place(context)
    root_dir = context.experiment.root_dir
    with contextlib.closing(port):
        with files.report_disk_errors(root_dir):
            root_dir.mkdir(parents=True, exist_ok=True)
        with file_lock.hold_root_dir(root_dir, f"replay-{partition.index}"):
            _run(context, partition, port)


def _run(
    context: role_context.RoleContext,
    partition: job_spec.Partition,
    port: server_port.ServerPort,
) -> None:
    experiment, process, cluster = context.experiment, context.process, context.cluster
    first_job = _wait_for_first_server(context) if partition.index else None
    dataset = experiment.open_demonstrations()
    process.shutdown.check()
    dataset_info = dataset_info_lib.DatasetInfo.from_dataset(dataset)
    agent = experiment.build_agent(dataset_info)
    _check_trains_on_batches(agent)
    directory = job_directory.JobDirectory(experiment.root_dir)
    configuration = job_configuration.describe(experiment)
    if first_job is not None:
        first_job.check_compatible(cluster.replay_addresses[0], agent, configuration)
    job_id = directory.make_job_id() if first_job is None else first_job.job_id
    job = job_spec.JobSpec.from_agent(agent, dataset_info, configuration, job_id)
    job = dataclasses.replace(job, partition=partition)
    if first_job is not None and first_job.identity != job.identity:
        raise errors.RunError(
            f"the replay server {cluster.replay_addresses[0]} has other demonstrations. Correct "
            "--replay_address, or use the same dataset."
        )
    checkpoint = _open_checkpoint(directory, job, process)
    server = replay_server.start_server(
        port, tables.create_tables(agent.policy), checkpoint.checkpointer
    )
    address = f"localhost:{server.port}"
    interfaces = "all" if cluster.public else "local"
    process.log(f"listening on port {server.port} of {interfaces} interfaces")
    replay, window = replay_server.ReplayServer(address, dataset_info.spec), job.window
    _load_demonstrations(dataset, partition, window, replay, checkpoint, address, process)
    gathered = gathered_episodes.GatheredEpisodes(
        directory.gathered,
        partition,
        dataset_info.spec,
        replay,
        window,
        experiment.gathering.num_episodes,
    )
    if len(gathered):
        process.log(f"loaded {len(gathered)} gathered episodes")
    batches = validation.validation_batches(dataset, window, experiment.training.batch_size)
    if batches:
        channel = channels.Broadcast(address, tables.VALIDATION_BATCHES)
        channel.send(experience_messages.encode_batches(batches))
    channels.Broadcast(address, tables.JOB).send(job.to_message())
    process.health.ready = True
    process.log(
        f"ready: {dataset_info.name}, dataset {dataset_info.dataset_hash[:12]}, job "
        f"{job.identity[:12]}"
    )
    try:
        _serve(address, replay, gathered, dataset_info.spec, process)
    finally:
        gathered.flush()
        server.stop()


def _find_place(
    context: role_context.RoleContext,
) -> tuple[job_spec.Partition, server_port.ServerPort]:
    """Returns the partition of this server, and its port, which is held from now on."""
    cluster = context.cluster
    addresses, index = cluster.replay_addresses, cluster.index
    if index >= len(addresses):
        raise errors.RunError(
            f"--index={index} requires at least {index + 1} addresses in --replay_address, got "
            f"{len(addresses)}"
        )
    port = server_port.ServerPort(ports.parse_port(addresses[index]), cluster.public)
    return job_spec.Partition(index, len(addresses)), port


def _wait_for_first_server(context: role_context.RoleContext) -> job_spec.JobSpec:
    connection = server_connection.ServerConnection(
        context.cluster.replay_addresses[0], context.process, context.cluster.patience_seconds
    )
    with contextlib.closing(connection) as server:
        return membership.wait_for_job(server, context.process)


def _load_demonstrations(
    dataset: demonstrations.Demonstrations,
    partition: job_spec.Partition,
    window: int,
    replay: replay_server.ReplayServer,
    checkpoint: replay_checkpoint.ReplayCheckpoint,
    address: str,
    process: role_process.RoleProcess,
) -> None:
    """Loads the partition into the server, unless a checkpoint has restored it."""
    is_restored = replay.is_filled
    train: replay_server.Episodes = dataset.train
    if partition.count > 1:
        train = list(itertools.islice(dataset.train, partition.index, None, partition.count))
    if not len(train):
        raise errors.RunError(
            f"the dataset has fewer episodes than the {partition.count} replay servers"
        )
    start = time.perf_counter()
    replay.fill(train, window)
    seconds = time.perf_counter() - start
    if is_restored:
        process.log(f"restored {len(train)} demonstrations from a checkpoint")
        return
    process.log(
        f"loaded {replay_server.num_windows(train)} transitions of {len(train)} demonstrations in "
        f"{seconds:.1f} s"
    )
    checkpoint.write(address)


def _serve(
    address: str,
    replay: replay_server.ReplayServer,
    gathered: gathered_episodes.GatheredEpisodes,
    spec: trajectory.Trajectory,
    process: role_process.RoleProcess,
) -> None:
    """Receives the episodes of actors until the learner has announced the finish."""
    assignments = channels.Broadcast(address, tables.ASSIGNMENTS)
    queue = channels.MessageQueue(address, tables.EPISODES)
    client = reverb.Client(address)
    while True:
        process.shutdown.wait(_POLL_SECONDS)
        process.health.record_contact()
        info = client.server_info()
        _check_complete(replay, info[tables.JOB].current_size, process)
        count = min(info[tables.EPISODES].current_size, gathered.remaining_capacity)
        if count:
            messages = queue.receive(count)
            gathered.add(experience_messages.decode_episode(message, spec) for message in messages)
        if gathered.is_flush_due:
            gathered.flush()
            process.log(f"{len(gathered)} gathered episodes")
        if info[tables.ASSIGNMENTS].current_size:
            newest = evaluation_messages.Assignments.from_message(assignments.read())
            if newest.job_finished:
                break
    process.log("the job has finished")
    process.shutdown.wait(_FINISH_SECONDS)


def _check_complete(
    replay: replay_server.ReplayServer, num_jobs: int, process: role_process.RoleProcess
) -> None:
    """Aborts the process, which is then restarted, if another program has emptied a table."""
    try:
        replay.check_complete()
    except data_errors.DataError as error:
        process.abort(str(error))
    if not num_jobs:
        process.abort(
            "another program has removed the description of the job, since Reverb has no "
            "authentication. Protect the port of this server, then run this command again."
        )


def _open_checkpoint(
    directory: job_directory.JobDirectory,
    job: job_spec.JobSpec,
    process: role_process.RoleProcess,
) -> replay_checkpoint.ReplayCheckpoint:
    partition = job.partition
    parent = directory.replay_checkpoints / f"{partition.index}-of-{partition.count}"
    return replay_checkpoint.ReplayCheckpoint(parent / job.identity[:16], process.log)


def _check_trains_on_batches(agent: behavioral_cloning_agent.BehavioralCloningAgent) -> None:
    if agent.memorizes:
        raise errors.RunError(
            f"{type(agent).__name__} stores the demonstrations and does not train on batches. Run "
            "it with python -m ibc_agents.train."
        )
