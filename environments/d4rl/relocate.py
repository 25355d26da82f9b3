"""The relocate task: carry a ball to a target in the air."""

from __future__ import annotations

import gin
import numpy as np

from environments.d4rl.adroit import AdroitEnvironment, Outcome, distance
from environments.d4rl.rendering import Camera

# Bounds of the initial positions of ball (x, y) and target (x, y, z), in m.
_BALL_LOW, _BALL_HIGH = (-0.15, -0.15), (0.15, 0.3)
_TARGET_LOW, _TARGET_HIGH = (-0.2, -0.2, 0.15), (0.2, 0.2, 0.35)
_LIFTED_HEIGHT = 0.04  # m
_GOAL_DISTANCE, _NEAR_DISTANCE = 0.1, 0.05  # m


@gin.configurable
class RelocateEnvironment(AdroitEnvironment):
    """The relocate task of D4RL (`relocate-human-v0`): carry a ball to a target.

    Observation, float32 [39]: the joints of arm and hand [30] (three in m, then rad), the position
    of the palm relative to the ball [3], of the palm relative to the target [3], and of the ball
    relative to the target [3] (m). Action: float32 [30].

    Reward: -0.1 · |palm - ball|, plus 1 - 0.5 · |palm - target| - 0.5 · |ball - target| if the ball
    is above 0.04 m, plus 10 and 20 if the ball is within 0.1 and 0.05 m of the target. Goal: within
    0.1 m.

    The ball starts uniformly in 0.3 × 0.45 m on the table, and the target uniformly in a box of 0.4
    × 0.4 × 0.2 m above it. Every episode has 200 steps.
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

    def _sample_initial_state(self, rng: np.random.Generator) -> None:
        model = self._simulation.model
        model.body("Object").pos[:2] = rng.uniform(_BALL_LOW, _BALL_HIGH)
        model.site("target").pos[:] = rng.uniform(_TARGET_LOW, _TARGET_HIGH)

    def _set_initial_state(self, observation: np.ndarray) -> None:
        self._simulation.data.qpos[:30] = observation[:30]
        self._simulation.forward()
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

    def _evaluate(self) -> Outcome:
        goal_distance = distance(self._ball, self._target)
        reward = -0.1 * distance(self._palm, self._ball)
        if self._ball[2] > _LIFTED_HEIGHT:
            reward += 1.0 - 0.5 * distance(self._palm, self._target) - 0.5 * goal_distance
        is_at_goal, is_near = goal_distance < _GOAL_DISTANCE, goal_distance < _NEAR_DISTANCE
        reward += 10.0 * is_at_goal + 20.0 * is_near
        return Outcome(reward, is_at_goal)
