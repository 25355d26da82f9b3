"""The actor: runs episodes and sends the selected ones to the replay servers."""

from __future__ import annotations

import contextlib
import time

import numpy as np

from data import episodes as episodes_lib
from data.shards import shard_writer
from environments import base
from ibc_agents.core import errors
from ibc_agents.distributed.messaging import (
    assignment_channel,
    channels,
    experience_messages,
    policy_variables,
    server_connection,
    tables,
)
from ibc_agents.distributed.roles import membership, role_context
from ibc_agents.rollouts import actors, recorders, rollout_seeds
from ibc_agents.runs import settings

_LOG_SECONDS = 10.0
# A replay server that has reached its number of episodes leaves further ones in its queue.
_MOST_QUEUED = 100


def run(context: role_context.RoleContext) -> None:
    """Runs episodes until the job has finished.

    Args:
        context: Experiment, process and cluster.

    Raises:
        UserError: If something is wrong that the user can fix.
        ShutdownRequested: If this process has been asked to stop.
    """
    experiment = context.experiment
    if experiment.task.environment is None:
        raise errors.RunError("an actor requires an environment. Set Task.environment.")
    environment = base.vectorize(experiment.task.environment, experiment.gathering.batch_size)
    with (
        contextlib.closing(environment),
        contextlib.closing(membership.join(context)) as member,
    ):
        _Actor(context, environment, member).run()
    context.process.log("the job has finished")


class _Actor:
    """Runs one batch of episodes after another, each with the newest policy."""

    def __init__(
        self,
        context: role_context.RoleContext,
        environment: base.VectorEnvironment,
        member: membership.Membership,
    ) -> None:
        self._config = context.experiment.gathering
        self._environment = environment
        self._member = member
        self._process = context.process
        # Seeded by the system: two actors, or one before and after a restart, run other episodes.
        self._generator = np.random.default_rng()
        demonstrator = context.experiment.task.demonstrator
        self._actor = _make_actor(
            self._config,
            actors.PolicyActor(member.agent.policy),
            None if demonstrator is None else actors.DemonstratorActor(demonstrator(environment)),
        )

    def run(self) -> None:
        """Runs episodes until the job has finished."""
        self._process.health.ready = True
        self._process.log("ready")
        last_log, num_run, num_sent = time.monotonic(), 0, 0
        for _ in assignment_channel.follow(self._member.primary, self._process):
            server = self._least_loaded_server()
            if server is None or not self._update_policy():
                continue
            wanted = self._run_batch()
            with contextlib.suppress(channels.ServerUnreachable):
                self._send(server, wanted)
            num_run, num_sent = num_run + self._environment.batch_size, num_sent + len(wanted)
            if time.monotonic() - last_log > _LOG_SECONDS:
                self._process.log(f"ran {num_run} episodes, sent {num_sent}")
                last_log = time.monotonic()

    def _least_loaded_server(self) -> server_connection.ServerConnection | None:
        """Returns the server with the shortest queue; None if all queues are full."""
        lengths = {
            index: sizes[tables.EPISODES]
            for index, server in enumerate(self._member.servers)
            if (sizes := server.table_sizes) is not None
        }
        if not lengths or min(lengths.values()) >= _MOST_QUEUED:
            return None
        return self._member.servers[min(lengths, key=lengths.__getitem__)]

    def _update_policy(self) -> bool:
        """Pulls the newest policy; returns whether there is one, or none is needed."""
        if self._config.demonstrator_share == 1.0:
            return True
        server = self._member.primary
        if not (server.table_sizes or {}).get(policy_variables.TABLE):
            return False
        with contextlib.suppress(channels.ServerUnreachable):
            step = policy_variables.pull(server.address, self._member.agent.policy)
            self._process.health.step = step
            return step is not None
        return False

    def _run_batch(self) -> list[episodes_lib.Episode]:
        rows = range(self._environment.batch_size)
        seeds = [rollout_seeds.draw(self._generator) for _ in rows]
        recorded = recorders.record_episodes(self._environment, self._actor, seeds)
        successes_only = self._config.successes_only
        return [episode for episode, success in recorded if success or not successes_only]

    def _send(
        self, server: server_connection.ServerConnection, episodes: list[episodes_lib.Episode]
    ) -> None:
        """Sends each episode once; a server that fails afterwards may lose it."""
        queue = channels.MessageQueue(server.address, tables.EPISODES)
        for episode in episodes:
            spec = self._member.job.dataset_info.spec
            shard_writer.check_episode("a gathered episode", episode, spec)
            queue.send(experience_messages.encode_episode(episode))


def _make_actor(
    config: settings.GatheringSettings,
    policy: actors.PolicyActor,
    demonstrator: actors.DemonstratorActor | None,
) -> actors.Actor:
    share, relabel = config.demonstrator_share, config.relabel
    if not share and not relabel:
        return policy
    if demonstrator is None:
        raise errors.RunError(
            "Task.demonstrator is not set. Set it, or set GatheringSettings.demonstrator_share to "
            "0 and GatheringSettings.relabel to False."
        )
    if share == 1.0:
        return demonstrator
    return actors.MixedActor(policy, demonstrator, share, relabel)
