"""Options of the particle task, and the name, the length and the specs they determine."""

from __future__ import annotations

import dataclasses

import numpy as np
from tf_agents.specs import array_spec

from environments.particle import dynamics
from ibc_agents.core import setting_checks

MAX_DIMENSION = 32  # the largest dimension in the paper (Fig. 6)

_SETTLING_STEPS = 10

# Covers the rounding of float64 values to float32 observations.
_ROUNDING_MARGIN = 1e-6


@dataclasses.dataclass(frozen=True)
class ParticleTask:
    """The options of the particle task, which `ParticleEnvironment` documents.

    Raises:
        SettingError: If an option has a wrong type or is out of range.
    """

    dimension: int
    hide_velocity: bool
    either_goal_first: bool
    wait_at_first_goal: int

    def __post_init__(self) -> None:
        owner = "ParticleEnvironment"
        dimension = setting_checks.check_integer(
            f"{owner}.dimension", self.dimension, minimum=1, maximum=MAX_DIMENSION
        )
        wait = setting_checks.check_integer(
            f"{owner}.wait_at_first_goal", self.wait_at_first_goal, minimum=0
        )
        object.__setattr__(self, "dimension", dimension)
        object.__setattr__(self, "wait_at_first_goal", wait)
        setting_checks.check_flag(f"{owner}.hide_velocity", self.hide_velocity)
        setting_checks.check_flag(f"{owner}.either_goal_first", self.either_goal_first)

    @property
    def name(self) -> str:
        """The task and its options: `particle_2d`, `particle_2d_hidden_velocity_wait_5`."""
        parts = [f"particle_{self.dimension}d"]
        if self.hide_velocity:
            parts.append("hidden_velocity")
        if self.either_goal_first:
            parts.append("either_goal_first")
        if self.wait_at_first_goal:
            parts.append(f"wait_{self.wait_at_first_goal}")
        return "_".join(parts)

    @property
    def episode_steps(self) -> int:
        """Number of actions in an episode: 50, or 60 + `wait_at_first_goal` with a wait.

        In many dimensions the particle briefly overshoots the goal's radius, which restarts the
        wait. The ten additional actions (0.5 s) leave time for this.
        """
        return 50 + (_SETTLING_STEPS + self.wait_at_first_goal if self.wait_at_first_goal else 0)

    def observation_spec(self) -> dict[str, array_spec.BoundedArraySpec]:
        """Returns float32 [N] specs, whose bounds hold for all valid action sequences."""
        (low, high), (slowest, fastest) = dynamics.reachable_bounds()
        position = (low - _ROUNDING_MARGIN, high + _ROUNDING_MARGIN)
        bounds = {"pos_agent": position}
        if not self.hide_velocity:
            bounds["vel_agent"] = (slowest - _ROUNDING_MARGIN, fastest + _ROUNDING_MARGIN)
        bounds["pos_first_goal"] = (0.0, 1.0)
        bounds["pos_second_goal"] = (0.0, 1.0)
        return {key: self._spec(key, *limits) for key, limits in bounds.items()}

    def action_spec(self) -> array_spec.BoundedArraySpec:
        """Returns the spec of the set point, float32 [N] in [0, 1]."""
        return self._spec("action", 0.0, 1.0)

    def _spec(self, name: str, low: float, high: float) -> array_spec.BoundedArraySpec:
        return array_spec.BoundedArraySpec((self.dimension,), np.float32, low, high, name)
