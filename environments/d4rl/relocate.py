"""Relocate: carry a ball to a place in the air."""

from __future__ import annotations

import gin
import numpy as np

from environments.d4rl.adroit import AdroitEnvironment, Outcome, distance
from environments.d4rl.rendering import Camera

# Where ball and target begin, metres.
_BALL_LOW, _BALL_HIGH = (-0.15, -0.15), (0.15, 0.3)
_TARGET_LOW, _TARGET_HIGH = (-0.2, -0.2, 0.15), (0.2, 0.2, 0.35)
_LIFTED = 0.04
_NEAR, _VERY_NEAR = 0.1, 0.05


@gin.configurable
class RelocateEnvironment(AdroitEnvironment):
    """Pick up the ball and carry it to the target (`relocate-human-v0`).

    Observation, float32 [39]: joints of arm and hand [30] (radians, the first three metres), from
    ball to palm [3], from target to palm [3], from target to ball [3] (metres). Action: float32
    [30].

    Reward: -0.1 · distance of palm and ball; with the ball above 0.04 m 1 - 0.5 · distance of palm
    and target - 0.5 · distance of ball and target more; 10 and 20 more where the ball is within 0.1
    and 0.05 m of the target. At the goal: within 0.1 m.

    The ball begins on the table in 0.3 × 0.45 m, the target above it in 0.4 × 0.4 × 0.2 m. Episodes
    end after 200 steps only.
    """

    name = "d4rl_relocate"
    dataset = "relocate-human-v0"
    max_episode_steps = 200
    model_file = "DAPG_relocate.xml"
    observation_size = 39
    camera = Camera((0.0, 0.0, 0.12), 1.15, 60.0, -30.0)

    def __init__(self) -> None:
        super().__init__()
        self._ball = self._simulation.data.body("Object").xpos
        self._target = self._simulation.data.site("target").xpos

    def _place(self, rng: np.random.Generator) -> None:
        model = self._simulation.model
        model.body("Object").pos[:2] = rng.uniform(_BALL_LOW, _BALL_HIGH)
        model.site("target").pos[:] = rng.uniform(_TARGET_LOW, _TARGET_HIGH)

    def _recreate(self, observation: np.ndarray) -> None:
        self._simulation.data.qpos[:30] = observation[:30]
        self._simulation.settle()
        self._simulation.model.body("Object").pos[:] = self._palm - observation[30:33]
        self._simulation.model.site("target").pos[:] = self._palm - observation[33:36]

    def _observe(self) -> np.ndarray:
        return np.concatenate(
            [
                self._simulation.data.qpos[:-6],
                self._palm - self._ball,
                self._palm - self._target,
                self._ball - self._target,
            ]
        )

    def _assess(self) -> Outcome:
        away = distance(self._ball, self._target)
        reward = -0.1 * distance(self._palm, self._ball)
        if self._ball[2] > _LIFTED:
            reward += 1.0 - 0.5 * distance(self._palm, self._target) - 0.5 * away
        reward += 10.0 * (away < _NEAR) + 20.0 * (away < _VERY_NEAR)
        return Outcome(reward, away < _NEAR)
