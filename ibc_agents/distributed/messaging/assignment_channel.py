"""Reads the learner's assignments until the job has finished, and announces the finish."""

from __future__ import annotations

from collections.abc import Iterator

from ibc_agents.distributed.messaging import (
    channels,
    evaluation_messages,
    server_connection,
    tables,
)
from ibc_agents.distributed.processes import role_process

_POLL_SECONDS = 0.25


def follow(
    server: server_connection.ServerConnection, process: role_process.RoleProcess
) -> Iterator[evaluation_messages.Assignments]:
    """Yields the newest assignments several times a second, until the job has finished.

    Args:
        server: Connection to the primary replay server.
        process: This process.

    Raises:
        ShutdownRequested: If this process has been asked to stop.
    """
    channel = channels.Broadcast(server.address, tables.ASSIGNMENTS)
    while True:
        process.shutdown.wait(_POLL_SECONDS)
        server.wait_until(lambda sizes: sizes[tables.ASSIGNMENTS] > 0)
        try:
            assignments = evaluation_messages.Assignments.from_message(channel.read())
        except channels.ServerUnreachable:
            continue
        if assignments.job_finished:
            return
        yield assignments


def announce_finish(server: server_connection.ServerConnection) -> None:
    """Tells a replay server and its clients that the job has finished.

    Waits for the server if it is unreachable.

    Raises:
        ShutdownRequested: If this process has been asked to stop.
    """
    assignments = evaluation_messages.Assignments(
        evaluation_messages.unique_name(), job_finished=True
    )
    channel = channels.Broadcast(server.address, tables.ASSIGNMENTS)
    server.retry(lambda: channel.send(assignments.to_message()))
