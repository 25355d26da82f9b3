"""Hammer: pick up a hammer and drive a nail into a board."""

from __future__ import annotations

import gin
import numpy as np

from environments.d4rl.adroit import AdroitEnvironment, Outcome, distance
from environments.d4rl.rendering import Camera

_BOARD_HEIGHT = (0.1, 0.25)  # metres
_LIFTED = 0.04  # metres
_NEARLY_IN, _IN = 0.02, 0.01  # metres from where the nail is in


@gin.configurable
class HammerEnvironment(AdroitEnvironment):
    """Pick up the hammer and drive the nail into the board (`hammer-human-v0`).

    Observation, float32 [46]: joints of arm and hand [26] (radians), how far the nail is in (m),
    velocity of the hammer [6] and the force on the nail [1] at the end, both cut to [-1, 1]; in
    between palm [3], hammer [3], its Euler angles x-y-z [3], and the nail's head [3] (metres).
    Action: float32 [26].

    Reward: -0.1 · distance of palm and hammer - distance of the hammer's head and the nail's - 10 ·
    what the nail is still to go - 0.01 · |joint velocities|; 2 more where hammer and its head are
    above 0.04 m, 25 and 75 more where the nail has less than 0.02 and 0.01 m to go. At the goal:
    less than 0.01 m.

    The board begins at a height in 0.1…0.25 m. Episodes end after 200 steps only.
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

    def _place(self, rng: np.random.Generator) -> None:
        self._simulation.model.body("nail_board").pos[2] = rng.uniform(*_BOARD_HEIGHT)

    def _recreate(self, observation: np.ndarray) -> None:
        # The hammer lies where it always does.
        self._simulation.data.qpos[:27] = observation[:27]
        self._simulation.settle()
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

    def _assess(self) -> Outcome:
        to_go = distance(self._nail, self._goal)
        lifted = self._hammer[2] > _LIFTED and self._head[2] > _LIFTED
        reward = (
            -0.1 * distance(self._palm, self._hammer)
            - distance(self._head, self._nail)
            - 10.0 * to_go
            - 1e-2 * float(np.linalg.norm(self._simulation.data.qvel))
            + 2.0 * lifted
            + 25.0 * (to_go < _NEARLY_IN)
            + 75.0 * (to_go < _IN)
        )
        return Outcome(reward, to_go < _IN)


def _euler_angles(rotation: np.ndarray) -> np.ndarray:
    """The angles of rotations about x, then the new y, then the new z: float64 [3], radians."""
    return np.array(
        [
            np.arctan2(-rotation[1, 2], rotation[2, 2]),
            np.arctan2(rotation[0, 2], np.hypot(rotation[1, 2], rotation[2, 2])),
            np.arctan2(-rotation[0, 1], rotation[0, 0]),
        ]
    )
