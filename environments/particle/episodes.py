"""The state and the rules of a batch of particle episodes."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
from tf_agents.trajectories import time_step as ts

from environments.particle import dynamics
from environments.particle.rendering import draw_particle
from environments.particle.task import ParticleTask
from environments.particle.visits import GoalVisits, distance


class ParticleEpisodes:
    """A batch of particles, each in its own episode.

    The single and the vector environment share this class. Positions and velocities are integrated
    in float64 and observed in float32.

    Args:
        task: The task's options.
        batch_size: Number of rows B.
    """

    def __init__(self, task: ParticleTask, batch_size: int) -> None:
        shape = [batch_size, task.dimension]
        self._task = task
        self._position = np.zeros(shape)
        self._velocity = np.zeros(shape)
        self._goals = np.zeros([batch_size, 2, task.dimension], np.float32)
        self._set_point = np.zeros(shape, np.float32)
        self._step_count = np.zeros(batch_size, np.int32)
        self._trail = np.zeros([batch_size, task.episode_steps + 1, task.dimension], np.float32)
        self._visits = GoalVisits(batch_size, task.wait_at_first_goal, task.either_goal_first)

    @property
    def success(self) -> np.ndarray:
        """Whether the task of each row is accomplished at its newest frame, bool [B]."""
        return self._visits.accomplished

    def begin(self, rows: np.ndarray, rngs: Sequence[np.random.Generator]) -> None:
        """Begins episodes with a start and goals that are uniform in [0, 1]^N, at rest.

        Args:
            rows: Bool [B], the rows that begin.
            rngs: One generator per beginning row, in order.
        """
        for row, rng in zip(np.flatnonzero(rows), rngs, strict=True):
            start, *goals = rng.random([3, self._task.dimension], np.float32)
            self._position[row] = start
            self._goals[row] = goals
        self._velocity[rows] = 0.0
        self._set_point[rows] = self._position[rows]
        self._step_count[rows] = 0
        self._visits.restart(rows)
        self._observe(rows)

    def advance(self, rows: np.ndarray, set_point: np.ndarray) -> None:
        """Executes one action in some rows.

        Args:
            rows: Bool [B], the rows that move.
            set_point: Float32 [B, N] in [0, 1]. The values of other rows are ignored.
        """
        position, velocity = dynamics.simulate(
            self._position[rows], self._velocity[rows], set_point[rows].astype(np.float64)
        )
        self._position[rows] = position
        self._velocity[rows] = velocity
        self._set_point[rows] = set_point[rows]
        self._step_count[rows] += 1
        self._observe(rows)

    def time_step(self) -> ts.TimeStep:
        """Returns the current time step of all rows as new arrays [B, ...]."""
        last = self._step_count == self._task.episode_steps
        step_type = np.where(
            last, ts.StepType.LAST, np.where(self._step_count, ts.StepType.MID, ts.StepType.FIRST)
        ).astype(np.int32)
        observation = {
            "pos_agent": self._position.astype(np.float32),
            "vel_agent": self._velocity.astype(np.float32),
            "pos_first_goal": self._goals[:, 0].copy(),
            "pos_second_goal": self._goals[:, 1].copy(),
        }
        if self._task.hide_velocity:
            del observation["vel_agent"]
        reward = (last & self.success).astype(np.float32)
        return ts.TimeStep(step_type, reward, (~last).astype(np.float32), observation)

    def render(self, row: int) -> np.ndarray:
        """Draws the episode of one row up to now, uint8 [H, W, 3]."""
        trail = self._trail[row, : self._step_count[row] + 1]
        return draw_particle(
            trail, self._set_point[row], self._goals[row], self._task.episode_steps
        )

    def save(self) -> Any:
        """Returns a copy of the complete state."""
        return copy.deepcopy(self._state()), self._visits.save()

    def restore(self, saved: Any) -> None:
        """Restores a copy of a value that `save` returned, for equal task and batch size."""
        arrays, visits = saved
        for array, saved_array in zip(self._state(), arrays, strict=True):
            array[...] = saved_array
        self._visits.restore(visits)

    def _state(self) -> list[np.ndarray]:
        return [
            self._position,
            self._velocity,
            self._goals,
            self._set_point,
            self._step_count,
            self._trail,
        ]

    def _observe(self, rows: np.ndarray) -> None:
        """Records the new frames of some rows (bool [B])."""
        # Distances use the float32 frames, so that success can be recomputed from recorded data.
        position = self._position.astype(np.float32)
        self._trail[rows, self._step_count[rows]] = position[rows]
        self._visits.observe(distance(position[:, None, :], self._goals), rows)
