"""A small environment with properties that the particle does not have.

Its episodes differ in length, its actions are a nest, and it has no vectorized form. The suite
therefore tests rows that end at different times, and serially stepped environments.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from tf_agents.specs import array_spec
from tf_agents.trajectories import time_step as ts

from environments.base import Environment


class DriftEnvironment(Environment):
    """A point that moves by its action for 3 to 9 steps. Success is a final position above 0."""

    def __init__(self) -> None:
        super().__init__()
        self._x = 0.0
        self._left = 0

    @property
    def name(self) -> str:
        return "drift"

    @property
    def max_episode_steps(self) -> int:
        return 9

    @property
    def success(self) -> bool:
        return self._x > 0

    def observation_spec(self) -> Any:
        return array_spec.BoundedArraySpec((1,), np.float32, -28.0, 28.0, "x")

    def action_spec(self) -> Any:
        return {
            "change": array_spec.BoundedArraySpec((1,), np.float32, [-1.0], [1.0], "change"),
            "pair": array_spec.BoundedArraySpec((2,), np.float32, -1.0, 1.0, "pair"),
        }

    def _begin(self, rng: np.random.Generator) -> ts.TimeStep:
        self._x = rng.uniform(-1, 1)
        self._left = int(rng.integers(3, 10))
        return ts.restart(self._observation())

    def _advance(self, action: Any) -> ts.TimeStep:
        self._x += float(action["change"][0]) + float(action["pair"].sum())
        self._left -= 1
        if self._left:
            return ts.transition(self._observation(), np.float32(0))
        return ts.termination(self._observation(), np.float32(self.success))

    def _save(self) -> Any:
        return self._x, self._left

    def _restore(self, saved: Any) -> None:
        self._x, self._left = saved

    def _render(self) -> np.ndarray:
        image = np.zeros([8, 64, 3], np.uint8)
        image[:, int(np.clip(self._x + 32, 0, 63))] = 255
        return image

    def _observation(self) -> np.ndarray:
        return np.array([self._x], np.float32)
