"""An actor: it plays episodes, and sends those that are wanted to the replay servers."""

from __future__ import annotations

import contextlib
import time

import numpy as np

from data.episodes import episodes
from data.shards import shard_writer
from environments import base
from ibc_agents.core import errors
from ibc_agents.distributed.messaging import (
    contact,
    episode_messages,
    messages,
    orders_board,
    tables,
    variables,
)
from ibc_agents.distributed.processes import placement, role_process
from ibc_agents.distributed.roles import joining
from ibc_agents.rollouts import actors, recorders, rollout_seeds
from ibc_agents.runs import experiment, settings

_SECONDS_BETWEEN_LINES = 10.0
# In a replay server's mailbox: those that take no more are left alone.
_MOST_WAITING = 100


def run(
    configured: experiment.Experiment,
    process: role_process.RoleProcess,
    place: placement.Placement,
) -> None:
    """Plays until the job has ended.

    Args:
        configured: what the job is.
        process: this one.
        place: of this process in the job.

    Raises:
        RunError, data.DataError: if something is wrong that the user can mend.
        Stopped: this process is to stop.
    """
    if configured.task.environment is None:
        raise errors.RunError("There is nothing to act in: set Task.environment.")
    environment = base.vectorize(configured.task.environment, configured.gathering.batch_size)
    with (
        contextlib.closing(environment),
        contextlib.closing(joining.join(configured, process, place)) as member,
    ):
        _Actor(configured, environment, member, process).play()
    process.say("the job has ended")


class _Actor:
    """Plays wave after wave, each by the newest policy."""

    def __init__(
        self,
        configured: experiment.Experiment,
        environment: base.VectorEnvironment,
        member: joining.Membership,
        process: role_process.RoleProcess,
    ) -> None:
        self._numbers = configured.gathering
        self._environment = environment
        self._member = member
        self._process = process
        # Of this process alone: no two actors, and no two lives of one, play the same episodes.
        self._generator = np.random.default_rng()
        demonstrator = configured.task.demonstrator
        self._actor = _make_actor(
            self._numbers,
            actors.PolicyActor(member.agent.policy),
            None if demonstrator is None else actors.DemonstratorActor(demonstrator(environment)),
        )

    def play(self) -> None:
        """Plays until the job has ended."""
        self._process.health.ready = True
        self._process.say("ready")
        said, played, sent = time.monotonic(), 0, 0
        for _ in orders_board.follow(self._member.hub, self._process):
            server = self._server_with_room()
            if server is None or not self._pull():
                continue
            wanted = self._play_wave()
            with contextlib.suppress(messages.Unreachable):
                self._send(server, wanted)
            played, sent = played + self._environment.batch_size, sent + len(wanted)
            if time.monotonic() - said > _SECONDS_BETWEEN_LINES:
                self._process.say(f"played {played} episodes, sent {sent}")
                said = time.monotonic()

    def _server_with_room(self) -> contact.Contact | None:
        """The server that waits for episodes most, if any does."""
        waiting = {
            index: sizes[tables.EPISODES]
            for index, server in enumerate(self._member.servers)
            if (sizes := server.sizes) is not None
        }
        if not waiting or min(waiting.values()) >= _MOST_WAITING:
            return None
        return self._member.servers[min(waiting, key=waiting.__getitem__)]

    def _pull(self) -> bool:
        """Whether there is a policy to play by, the newest of which is there then."""
        if self._numbers.demonstrator_share == 1.0:
            return True
        hub = self._member.hub
        if not (hub.sizes or {}).get(variables.TABLE):
            return False
        with contextlib.suppress(messages.Unreachable):
            self._process.health.step = variables.pull(hub.address, self._member.agent.policy)
            return True
        return False

    def _play_wave(self) -> list[episodes.Episode]:
        rows = range(self._environment.batch_size)
        seeds = [rollout_seeds.draw(self._generator) for _ in rows]
        recorded = recorders.record_episodes(self._environment, self._actor, seeds)
        return [
            episode for episode, success in recorded if success or not self._numbers.successes_only
        ]

    def _send(self, server: contact.Contact, wanted: list[episodes.Episode]) -> None:
        """Sends each once: one that a server takes with it when it goes is not sent again."""
        mailbox = messages.Mailbox(server.address, tables.EPISODES)
        for episode in wanted:
            shard_writer.check_episode("a gathered episode", episode, self._member.job.card.spec)
            mailbox.put(episode_messages.to_message(episode))


def _make_actor(
    numbers: settings.GatheringSettings,
    policy: actors.PolicyActor,
    demonstrator: actors.DemonstratorActor | None,
) -> actors.Actor:
    """Returns the actor of a job's settings."""
    share, relabel = numbers.demonstrator_share, numbers.relabel
    if not share and not relabel:
        return policy
    if demonstrator is None:
        raise errors.RunError(
            "Task.demonstrator is not set: there is nobody to demonstrate. Set "
            "GatheringSettings.demonstrator_share to 0 and GatheringSettings.relabel to False."
        )
    if share == 1.0:
        return demonstrator
    return actors.MixedActor(policy, demonstrator, share, relabel)
