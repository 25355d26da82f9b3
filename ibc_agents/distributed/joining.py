"""How a learner or an evaluator becomes part of a job."""

from __future__ import annotations

import dataclasses
import functools

from ibc_agents import errors, experiment
from ibc_agents.agents import behavioral_cloning_agent
from ibc_agents.distributed import contact, job, messages, role_process, tables


@dataclasses.dataclass(frozen=True)
class Membership:
    """What a member of a job works with.

    Attributes:
        job: it is a member of.
        agent: built as the job's configuration says.
        server: the replay server.
    """

    job: job.Job
    agent: behavioral_cloning_agent.BehavioralCloningAgent
    server: contact.Contact

    def close(self) -> None:
        """Looks at the server no more."""
        self.server.close()


def join(
    configured: experiment.Experiment,
    process: role_process.RoleProcess,
    address: str,
    patience_seconds: float,
) -> Membership:
    """Waits for the replay server and its demonstrations, and compares configurations.

    When the server has been gone and is back, it must still be the same job's.

    Args:
        configured: what this process is configured for.
        process: this one.
        address: `host:port` of the replay server.
        patience_seconds: how long the server may be gone at a time.

    Raises:
        RunError: if the job is another one.
        Stopped: this process is to stop.
    """
    server = contact.Contact(address, process, patience_seconds)
    try:
        server.wait_for(lambda sizes: True)
        process.say(f"waiting for the demonstrations of the replay server {address}")
        server.wait_for(lambda sizes: _has_job(address, sizes))
        board = messages.Board(address, tables.JOB)
        joined = job.Job.from_message(server.call(board.get))
        agent = configured.build_agent(joined.card)
        joined.admit(address, configured.demonstrations, agent)
    except BaseException:
        server.close()
        raise
    server.after_outage = functools.partial(_is_same, server, board, joined, process)
    process.say(
        f"joined the job at {address}: {joined.card.name}, dataset "
        f"{joined.card.dataset_hash[:12]}, job {joined.identity[:12]}"
    )
    return Membership(joined, agent, server)


def _is_same(
    server: contact.Contact,
    board: messages.Board,
    joined: job.Job,
    process: role_process.RoleProcess,
) -> bool:
    """Whether a server that is back tells the same job; False where it tells none yet."""
    sizes = server.sizes
    if sizes is None or not _has_job(server.address, sizes):
        return False
    try:
        found = job.Job.from_message(board.get())
    except messages.Unreachable:
        return False
    if found.identity != joined.identity:
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
