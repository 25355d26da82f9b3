"""Episodes of whoever acts in a vector environment, frame by frame."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import policy_step, trajectory
from tf_agents.trajectories import time_step as ts

from data.episodes import episodes
from environments import base


class Player(Protocol):
    """Whoever acts, in all rows at once: a demonstrator, or any other `PyPolicy`."""

    def get_initial_state(self, batch_size: int) -> Any:
        """Returns what it remembers at first, of so many rows."""

    def action(self, time_step: ts.TimeStep, policy_state: Any) -> policy_step.PolicyStep:
        """Returns its actions, arrays [B, …], and what it remembers next."""


def run_wave(
    environment: base.VectorEnvironment,
    player: Player,
    executed: Callable[[policy_step.PolicyStep], Any] = operator.attrgetter("action"),
) -> list[tuple[episodes.Episode, bool]]:
    """Runs one episode a row; each ends with a LAST frame, whose action was never executed.

    Args:
        environment: seeded.
        player: whose actions are recorded.
        executed: of a step of the player, the actions that the environment gets.

    Returns:
        Of each row the episode and whether it was a success.
    """
    rows = environment.batch_size
    frames: list[list[Any]] = [[] for _ in range(rows)]
    success = np.zeros(rows, bool)
    time_step = environment.reset()
    state = player.get_initial_state(rows)
    running = np.ones(rows, bool)
    while running.any():
        step = player.action(time_step, state)
        state = step.state
        ended = running & time_step.is_last()
        success[ended] = environment.success[ended]
        if np.array_equal(ended, running):
            # The steps of episodes that nobody wants; what counts of them is how they begin.
            next_time_step = ts.restart(time_step.observation, batch_size=rows)
        else:
            next_time_step = environment.step(executed(step))
        frame = trajectory.from_transition(time_step, step._replace(info=()), next_time_step)
        for row in np.flatnonzero(running):
            frames[row].append(_row(frame, row))
        running &= ~ended
        time_step = next_time_step
    return [(_stack(rows), bool(won)) for rows, won in zip(frames, success, strict=True)]


def _row(frame: Any, row: int) -> Any:
    return tf.nest.map_structure(lambda leaf: np.asarray(leaf[row]), frame)


def _stack(frames: list[Any]) -> episodes.Episode:
    return episodes.Episode(tf.nest.map_structure(lambda *leaves: np.stack(leaves), *frames))
