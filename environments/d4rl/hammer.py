"""The hammer task: pick up a hammer and drive a nail into a board."""

from __future__ import annotations

import gin
import numpy as np

from environments.d4rl.adroit import AdroitEnvironment, Outcome, distance
from environments.d4rl.rendering import Camera

_BOARD_HEIGHT = (0.1, 0.25)  # m, minimum and maximum
_LIFTED_HEIGHT = 0.04  # m
_NEAR_DISTANCE, _GOAL_DISTANCE = 0.02, 0.01  # m, from the nail's goal


@gin.configurable
class HammerEnvironment(AdroitEnvironment):
    """The hammer task of D4RL (`hammer-human-v0`): pick up a hammer and drive in a nail.

    Observation, float32 [46]: the joints of arm and hand [26] (rad), the depth of the nail [1] (m),
    the velocity of the hammer [6], clipped to [-1, 1], palm [3] and hammer [3] (m), the x-y-z Euler
    angles of the hammer [3] (rad), the head of the nail [3] (m), and the force on the nail [1],
    clipped to [-1, 1]. Action: float32 [26].

    Reward: -0.1 · |palm - hammer| - |head of the hammer - head of the nail| - 10 · |nail - goal| -
    0.01 · |joint velocities|, plus 2 if the hammer and its head are above 0.04 m, and plus 25 and
    75 if the nail is within 0.02 and 0.01 m of its goal. Goal: the nail is within 0.01 m of it.

    The height of the board is uniform in [0.1, 0.25] m. Every episode has 200 steps.
    """

    name = "d4rl_hammer"
    dataset = "hammer-human-v0"
    max_episode_steps = 200
    model_file = "DAPG_hammer.xml"
    observation_size = 46
    camera = Camera((0.0, -0.15, 0.15), 0.9, 45.0, -30.0)

    def __init__(self) -> None:
        super().__init__()
        data = self._simulation.data
        self._hammer = data.body("Object").xpos
        self._orientation = data.body("Object").xmat
        self._head = data.site("tool").xpos
        self._nail = data.site("S_target").xpos
        self._goal = data.site("nail_goal").xpos
        self._impact = data.sensor("S_nail").data

    def _sample_initial_state(self, rng: np.random.Generator) -> None:
        self._simulation.model.body("nail_board").pos[2] = rng.uniform(*_BOARD_HEIGHT)

    def _set_initial_state(self, observation: np.ndarray) -> None:
        # The initial pose of the hammer is constant.
        self._simulation.data.qpos[:27] = observation[:27]
        self._simulation.forward()
        height = observation[44] - self._nail[2]
        self._simulation.model.body("nail_board").pos[2] += height

    def _observe(self) -> np.ndarray:
        data = self._simulation.data
        return np.concatenate(
            [
                data.qpos[:-6],
                np.clip(data.qvel[-6:], -1.0, 1.0),
                self._palm,
                self._hammer,
                _euler_angles(self._orientation.reshape(3, 3)),
                self._nail,
                np.clip(self._impact, -1.0, 1.0),
            ]
        )

    def _evaluate(self) -> Outcome:
        remaining = distance(self._nail, self._goal)
        is_lifted = self._hammer[2] > _LIFTED_HEIGHT and self._head[2] > _LIFTED_HEIGHT
        reward = (
            -0.1 * distance(self._palm, self._hammer)
            - distance(self._head, self._nail)
            - 10.0 * remaining
            - 1e-2 * float(np.linalg.norm(self._simulation.data.qvel))
            + 2.0 * is_lifted
            + 25.0 * (remaining < _NEAR_DISTANCE)
            + 75.0 * (remaining < _GOAL_DISTANCE)
        )
        return Outcome(reward, remaining < _GOAL_DISTANCE)


def _euler_angles(rotation: np.ndarray) -> np.ndarray:
    """Converts a rotation matrix to intrinsic x-y-z Euler angles, float64 [3], in radians."""
    return np.array(
        [
            np.arctan2(-rotation[1, 2], rotation[2, 2]),
            np.arctan2(rotation[0, 2], np.hypot(rotation[1, 2], rotation[2, 2])),
            np.arctan2(-rotation[0, 1], rotation[0, 0]),
        ]
    )
