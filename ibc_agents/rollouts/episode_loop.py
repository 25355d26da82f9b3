"""The episode loop: steps a vector environment with an actor and passes frames to observers."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
from tf_agents.trajectories import time_step as ts

from environments import base
from ibc_agents.rollouts import actors, rollout_seeds


@dataclasses.dataclass(frozen=True)
class Frame:
    """One frame of all B rows: a time step and the actions of the actor.

    Attributes:
        environment: The environment, whose current time step is `time_step`.
        time_step: Arrays [B, …].
        is_active: Bool [B]; False in a row whose episode had its LAST time step before.
        actor_state: The actor's state before it acted.
        actor_step: The actions of the actor. The environment ignores them in rows at LAST.
    """

    environment: base.VectorEnvironment
    time_step: ts.TimeStep
    is_active: np.ndarray
    actor_state: Any
    actor_step: actors.ActorStep

    @property
    def is_ending(self) -> np.ndarray:
        """Bool [B]; True in an active row whose time step is LAST."""
        return self.is_active & np.asarray(self.time_step.is_last())


class Observer(Protocol):
    """Receives every frame of a batch of episodes."""

    def observe(self, frame: Frame) -> None:
        """Receives the next frame, before the environment is stepped."""


def iterate_frames(
    environment: base.VectorEnvironment,
    actor: actors.Actor,
    seeds: Sequence[rollout_seeds.RolloutSeeds],
) -> Iterator[Frame]:
    """Runs one episode in each row of an environment, until all of them have ended.

    The actor acts at LAST time steps too, because a dataset holds an action for every frame. A row
    that ends early begins another episode, in which it is not active.

    Args:
        environment: Environment of B rows.
        actor: Acts in all rows at once.
        seeds: Seeds of the B episodes. They determine the episodes, independent of the row.

    Yields:
        Every frame, before the environment is stepped.

    Raises:
        ValueError: If there is not one seed for each row.
    """
    environment.seed([row.environment for row in seeds])
    time_step = environment.reset()
    actor_state = actor.initial_state(np.stack([row.actor for row in seeds]))
    is_active = np.ones(environment.batch_size, bool)
    while True:
        actor_step = actor.act(time_step, actor_state)
        frame = Frame(environment, time_step, is_active, actor_state, actor_step)
        yield frame
        is_active = is_active & ~frame.is_ending
        if not is_active.any():
            return
        time_step = environment.step(actor_step.action)
        actor_state = actor_step.state


def run_episodes(
    environment: base.VectorEnvironment,
    actor: actors.Actor,
    seeds: Sequence[rollout_seeds.RolloutSeeds],
    observers: Sequence[Observer],
) -> None:
    """Passes every frame of `iterate_frames` to observers.

    Args:
        environment: See `iterate_frames`.
        actor: See `iterate_frames`.
        seeds: See `iterate_frames`.
        observers: Receive every frame, in this order.

    Raises:
        ValueError: If there is not one seed for each row.
    """
    for frame in iterate_frames(environment, actor, seeds):
        for observer in observers:
            observer.observe(frame)
