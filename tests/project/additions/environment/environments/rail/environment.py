"""The cart on a rail."""

from __future__ import annotations

from typing import Any

import gin
import numpy as np
from tf_agents.specs import array_spec
from tf_agents.trajectories import time_step as ts

from environments.base import Environment


@gin.configurable
class RailEnvironment(Environment):
    """A cart at x in [-10, 10] m that moves at most 0.5 m per step and must end within 0.1 m of 0.

    Args:
        num_steps: Actions of an episode, at least 1.
    """

    def __init__(self, num_steps: int = 8) -> None:
        super().__init__()
        self._num_steps = num_steps
        self._x = 1.0
        self._steps_left = 0

    @property
    def name(self) -> str:
        return f"rail_{self._num_steps}"

    @property
    def max_episode_steps(self) -> int:
        return self._num_steps

    @property
    def success(self) -> bool:
        return abs(self._x) < 0.1

    def observation_spec(self) -> Any:
        return array_spec.BoundedArraySpec((1,), np.float32, -10.0, 10.0, "x")

    def action_spec(self) -> Any:
        return array_spec.BoundedArraySpec((1,), np.float32, -0.5, 0.5, "change")

    def _begin(self, rng: np.random.Generator) -> ts.TimeStep:
        self._x = float(rng.uniform(0.5, 3.0))
        self._steps_left = self._num_steps
        return ts.restart(self._observation())

    def _advance(self, action: Any) -> ts.TimeStep:
        self._x = float(np.clip(self._x + action[0], -10.0, 10.0))
        self._steps_left -= 1
        if self._steps_left:
            return ts.transition(self._observation(), np.float32(0.0))
        return ts.termination(self._observation(), np.float32(self.success))

    def _save(self) -> Any:
        return self._x, self._steps_left

    def _restore(self, saved: Any) -> None:
        self._x, self._steps_left = saved

    def _render(self) -> np.ndarray:
        image = np.zeros([8, 200, 3], np.uint8)
        image[:, min(int(10.0 * self._x) + 100, 199)] = 255
        return image

    def _observation(self) -> np.ndarray:
        return np.array([self._x], np.float32)
