"""The scripted demonstrator of the N-D particle (paper, section 4)."""

from __future__ import annotations

from typing import Any

import gin
import numpy as np
from tf_agents.specs import array_spec

from environments.demonstrator import Demonstrator
from environments.particle.environment import ParticleEnvironment, VectorParticleEnvironment
from environments.particle.visits import TOLERANCE, distance

# The first goal counts as reached within this distance, a fifth of what success asks for.
REACHED = 0.01


@gin.configurable
class ParticleDemonstrator(Demonstrator):
    """Commands the first goal until within 0.01 of it, waits if asked, then the second.

    The wait is over when the particle has been within 0.05 for as long as success asks for; at
    speed, in many dimensions, it may leave that reach once more, and the wait starts anew.

    The action is discontinuous in the observation, which is what the task is about. Where either
    goal may come first, one of them is drawn each episode from the environment's episode.

    Args:
        environment: The single or vector environment to be demonstrated in.
    """

    def __init__(self, environment: ParticleEnvironment | VectorParticleEnvironment) -> None:
        memory_spec = {
            "second_goal_first": array_spec.ArraySpec((), bool, "second_goal_first"),
            # Whether the goal to visit first has been reached.
            "reached": array_spec.ArraySpec((), bool, "reached"),
            # Frames in a row within success's tolerance of it; kept after going on.
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
        memory["frames_within"] = np.where(self._goes_on(memory), memory["frames_within"], frames)
        memory["reached"] |= away <= REACHED
        return np.where(self._goes_on(memory)[:, None], second, first), memory

    def _goes_on(self, memory: Any) -> np.ndarray:
        """The rows that are on their way to the goal visited last: bool [B]."""
        return memory["reached"] & (memory["frames_within"] > self._task.wait_at_first_goal)
