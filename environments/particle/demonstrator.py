"""The scripted demonstrator of the N-dimensional particle."""

from __future__ import annotations

from typing import Any

import gin
import numpy as np
from tf_agents.specs import array_spec

from environments.demonstrator import Demonstrator
from environments.particle.environment import ParticleEnvironment, VectorParticleEnvironment
from environments.particle.visits import TOLERANCE, distance

# The demonstrator has reached the first goal within this distance, a fifth of the task's tolerance.
REACHED = 0.01


@gin.configurable
class ParticleDemonstrator(Demonstrator):
    """Commands the first goal until the particle is within 0.01 of it, then the second goal.

    With `wait_at_first_goal`, the demonstrator also waits until the particle has been within 0.05
    for the required number of frames. In many dimensions a fast particle may leave this radius once
    more, which restarts the wait. With `either_goal_first`, each episode samples the order of the
    goals.

    Demonstrations are discontinuous in the observation, which explicit policies fit poorly.

    Args:
        environment: Single or vector environment to demonstrate in.

    References:
        Florence et al., "Implicit Behavioral Cloning", 2021, Sec. 4.
        https://arxiv.org/abs/2109.00137
    """

    def __init__(self, environment: ParticleEnvironment | VectorParticleEnvironment) -> None:
        memory_spec = {
            "second_goal_first": array_spec.ArraySpec((), bool, "second_goal_first"),
            # Whether the goal that is visited first has been reached.
            "reached": array_spec.ArraySpec((), bool, "reached"),
            # Consecutive frames within the tolerance of that goal, constant after leaving it.
            "frames_within": array_spec.ArraySpec((), np.int32, "frames_within"),
        }
        super().__init__(environment, memory_spec)
        self._task = environment.task

    def _fresh_memory(self, rng: np.random.Generator) -> dict[str, Any]:
        swap = self._task.either_goal_first and rng.random() < 0.5
        return {"second_goal_first": swap, "reached": False, "frames_within": 0}

    def _act(self, states: Any, memory: Any) -> tuple[np.ndarray, Any]:
        goals = states["pos_first_goal"], states["pos_second_goal"]
        swap = memory["second_goal_first"][:, None]
        first, second = np.where(swap, goals[1], goals[0]), np.where(swap, goals[0], goals[1])
        away = distance(states["pos_agent"], first)
        frames = np.where(away <= TOLERANCE, memory["frames_within"] + 1, 0).astype(np.int32)
        done = self._heads_to_last_goal(memory)
        memory["frames_within"] = np.where(done, memory["frames_within"], frames)
        memory["reached"] |= away <= REACHED
        return np.where(self._heads_to_last_goal(memory)[:, None], second, first), memory

    def _heads_to_last_goal(self, memory: Any) -> np.ndarray:
        """Returns the rows that move to the goal visited last, bool [B]."""
        return memory["reached"] & (memory["frames_within"] > self._task.wait_at_first_goal)
