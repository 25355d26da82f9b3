"""How a learner, an evaluator or an actor becomes part of a job."""

from __future__ import annotations

import contextlib
import dataclasses
import functools

import tensorflow as tf

from ibc_agents.agents import behavioral_cloning_agent
from ibc_agents.core import errors
from ibc_agents.distributed.messaging import contact, job, messages, tables
from ibc_agents.distributed.processes import placement, role_process
from ibc_agents.runs import experiment


@dataclasses.dataclass(frozen=True)
class Membership:
    """What a member of a job works with.

    Attributes:
        job: it is a member of.
        agent: built as the job's configuration says.
        servers: the replay servers; the first one also holds policy and messages.
    """

    job: job.Job
    agent: behavioral_cloning_agent.BehavioralCloningAgent
    servers: list[contact.Contact]

    @property
    def hub(self) -> contact.Contact:
        """The first replay server."""
        return self.servers[0]

    def close(self) -> None:
        """Looks at the servers no more."""
        for server in self.servers:
            server.close()


def join(
    configured: experiment.Experiment,
    process: role_process.RoleProcess,
    place: placement.Placement,
    strategy: tf.distribute.Strategy | None = None,
) -> Membership:
    """Waits for the replay servers and their demonstrations, and compares configurations.

    When a server has been gone and is back, it must still be the same job's.

    Args:
        configured: what this process is configured for.
        process: this one.
        place: of this process in the job.
        strategy: that the agent is to be trained under; the present one by default.

    Raises:
        RunError: if the job is another one.
        Stopped: this process is to stop.
    """
    addresses = place.replay_addresses
    with contextlib.ExitStack() as opened:
        servers = [
            opened.enter_context(
                contextlib.closing(contact.Contact(address, process, place.patience_seconds))
            )
            for address in addresses
        ]
        joined = first_job(servers[0], process)
        with (strategy or tf.distribute.get_strategy()).scope():
            agent = configured.build_agent(joined.card)
        joined.admit(addresses[0], configured.demonstrations, agent)
        for index, server in enumerate(servers):
            wanted = dataclasses.replace(joined, share=job.Share(index, len(servers)))
            _check_share(server, wanted)
            server.after_outage = functools.partial(_is_same, server, wanted, process)
        process.say(
            f"joined the job at {', '.join(addresses)}: {joined.card.name}, dataset "
            f"{joined.card.dataset_hash[:12]}, job {joined.identity[:12]}"
        )
        opened.pop_all()
    return Membership(joined, agent, servers)


def first_job(server: contact.Contact, process: role_process.RoleProcess) -> job.Job:
    """Returns the job of the first replay server, once that has its demonstrations.

    Args:
        server: the first replay server.
        process: this one.

    Raises:
        RunError: if the server is none of a job.
        Stopped: this process is to stop.
    """
    server.wait_for(lambda sizes: True)
    process.say(f"waiting for the demonstrations of the replay server {server.address}")
    return _job_of(server)


def _job_of(server: contact.Contact) -> job.Job:
    """Returns what a server tells, once it tells anything."""
    server.wait_for(lambda sizes: _has_job(server.address, sizes))
    board = messages.Board(server.address, tables.JOB)
    return job.Job.from_message(server.call(board.get))


def _check_share(server: contact.Contact, wanted: job.Job) -> None:
    found = _job_of(server)
    if found.identity != wanted.identity:
        raise errors.RunError(f"The replay server {server.address} is one of another job.")
    if found.share != wanted.share:
        raise errors.RunError(
            f"The replay server {server.address} holds share {found.share.index} of "
            f"{found.share.count}, not share {wanted.share.index} of {wanted.share.count}: give "
            "every process the same --replay_address."
        )


def _is_same(server: contact.Contact, wanted: job.Job, process: role_process.RoleProcess) -> bool:
    """Whether a server that is back tells the same job; False where it tells none yet."""
    sizes = server.sizes
    if sizes is None or not _has_job(server.address, sizes):
        return False
    try:
        found = job.Job.from_message(messages.Board(server.address, tables.JOB).get())
    except messages.Unreachable:
        return False
    if (found.identity, found.share) != (wanted.identity, wanted.share):
        process.give_up(
            f"The replay server {server.address} was replaced by one of another job. Start this "
            "command again if it is to take part in that one."
        )
    return True


def _has_job(address: str, sizes: dict[str, int]) -> bool:
    if tables.JOB not in sizes:
        raise errors.RunError(
            f"What answers at {address} is a Reverb server, but none of a job; check the address."
        )
    return sizes[tables.JOB] > 0
