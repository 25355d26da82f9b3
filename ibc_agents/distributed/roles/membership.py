"""Joins a learner, an evaluator or an actor to a job."""

from __future__ import annotations

import contextlib
import dataclasses
import functools

import tensorflow as tf

from ibc_agents.agents import behavioral_cloning_agent
from ibc_agents.core import errors
from ibc_agents.distributed.messaging import (
    channels,
    job_configuration,
    job_spec,
    server_connection,
    tables,
)
from ibc_agents.distributed.processes import role_process
from ibc_agents.distributed.roles import role_context


@dataclasses.dataclass(frozen=True)
class Membership:
    """The connections and the agent of a member of a job.

    Attributes:
        job: Specification of the job.
        agent: Agent of the experiment, with the statistics of the job's dataset.
        servers: Connections to all replay servers.
    """

    job: job_spec.JobSpec
    agent: behavioral_cloning_agent.BehavioralCloningAgent
    servers: list[server_connection.ServerConnection]

    @property
    def primary(self) -> server_connection.ServerConnection:
        """The first replay server, which holds the policy and the messages."""
        return self.servers[0]

    def close(self) -> None:
        """Closes all connections."""
        for server in self.servers:
            server.close()


def join(
    context: role_context.RoleContext, strategy: tf.distribute.Strategy | None = None
) -> Membership:
    """Waits until the demonstrations are loaded, and checks the configuration against the job.

    A server that returns after an outage must belong to the same job.

    Args:
        context: Experiment, process and cluster.
        strategy: Strategy to create the agent in; None for the current one.

    Raises:
        RunError: If this process has a different configuration from the job.
        ShutdownRequested: If this process has been asked to stop.
    """
    experiment, process, cluster = context.experiment, context.process, context.cluster
    addresses = cluster.replay_addresses
    with contextlib.ExitStack() as stack:
        servers = [
            stack.enter_context(
                contextlib.closing(
                    server_connection.ServerConnection(address, process, cluster.patience_seconds)
                )
            )
            for address in addresses
        ]
        job = wait_for_job(servers[0], process)
        with (strategy or tf.distribute.get_strategy()).scope():
            agent = experiment.build_agent(job.dataset_info)
        job.check_compatible(addresses[0], agent, job_configuration.describe(experiment))
        for index, server in enumerate(servers):
            partition = job_spec.Partition(index, len(servers))
            expected = dataclasses.replace(job, partition=partition)
            _check_server(server, expected)
            server.verify_after_outage = functools.partial(_verify, server, expected, process)
        process.log(
            f"joined the job at {', '.join(addresses)}: {job.dataset_info.name}, dataset "
            f"{job.dataset_info.dataset_hash[:12]}, job {job.identity[:12]}"
        )
        stack.pop_all()
    return Membership(job, agent, servers)


def wait_for_job(
    server: server_connection.ServerConnection, process: role_process.RoleProcess
) -> job_spec.JobSpec:
    """Returns the job of a replay server once its demonstrations are loaded.

    Args:
        server: Connection to the server.
        process: This process.

    Raises:
        RunError: If the server does not belong to a job.
        ShutdownRequested: If this process has been asked to stop.
    """
    server.wait_until(lambda sizes: True)
    process.log(f"waiting for the demonstrations of the replay server {server.address}")
    return _receive_job(server)


def _receive_job(server: server_connection.ServerConnection) -> job_spec.JobSpec:
    server.wait_until(lambda sizes: _has_job(server.address, sizes))
    channel = channels.Broadcast(server.address, tables.JOB)
    return job_spec.JobSpec.from_message(server.retry(channel.read))


def _check_server(server: server_connection.ServerConnection, expected: job_spec.JobSpec) -> None:
    found = _receive_job(server)
    if found.identity != expected.identity:
        raise errors.RunError(
            f"the replay server {server.address} belongs to another job. Correct --replay_address."
        )
    if found.partition != expected.partition:
        raise errors.RunError(
            f"the replay server {server.address} holds partition {found.partition.index} of "
            f"{found.partition.count}, expected {expected.partition.index} of "
            f"{expected.partition.count}. Pass the same --replay_address to every process."
        )


def _verify(
    server: server_connection.ServerConnection,
    expected: job_spec.JobSpec,
    process: role_process.RoleProcess,
) -> bool:
    """Returns whether a server serves the expected job; False while it is still loading.

    Aborts the process if it serves another job.
    """
    sizes = server.table_sizes
    if sizes is None or not _has_job(server.address, sizes):
        return False
    try:
        message = channels.Broadcast(server.address, tables.JOB).read()
    except channels.ServerUnreachable:
        return False
    found = job_spec.JobSpec.from_message(message)
    if (found.identity, found.partition) != (expected.identity, expected.partition):
        process.abort(
            f"the replay server {server.address} now serves another job. Run this command again "
            "to join that job."
        )
    return True


def _has_job(address: str, sizes: dict[str, int]) -> bool:
    if tables.JOB not in sizes:
        raise errors.RunError(
            f"the Reverb server at {address} does not belong to a job. Correct --replay_address."
        )
    return sizes[tables.JOB] > 0
