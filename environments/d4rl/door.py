"""Door: unlatch it and swing it open."""

from __future__ import annotations

import gin
import numpy as np
from typing_extensions import override

from environments.d4rl.adroit import AdroitEnvironment, Outcome, distance
from environments.d4rl.rendering import Camera

_FRAME_LOW, _FRAME_HIGH = (-0.3, 0.25, 0.252), (-0.2, 0.35, 0.35)  # metres
_STRAIGHT = 1.57  # radians; the hinge's range ends there
_OPEN = 1.35


@gin.configurable
class DoorEnvironment(AdroitEnvironment):
    """Turn the handle and swing the door open (`door-human-v0`).

    Observation, float32 [39]: all joints of arm and hand but the first, which slides the forearm
    [27], latch, hinge (radians), palm [3], handle [3], from handle to palm [3] (metres), and 1 or
    -1 for a hinge beyond 1 or not. Action: float32 [28].

    Reward: -0.1 · distance of palm and handle - 0.1 · (hinge - 1.57)² - 1e-5 · |joint velocities|²;
    2, 8 and 10 more where the hinge is beyond 0.2, 1 and 1.35. At the goal: from 1.35 on.

    The frame begins anywhere in a box of 0.1 × 0.1 × 0.098 m. Episodes end after 200 steps only.
    """

    name = "d4rl_door"
    dataset = "door-human-v0"
    max_episode_steps = 200
    model_file = "DAPG_door.xml"
    observation_size = 39
    camera = Camera((-0.05, 0.05, 0.2), 1.3, 60.0, -30.0)

    def __init__(self) -> None:
        super().__init__()
        self._handle = self._simulation.data.site("S_handle").xpos

    def _place(self, rng: np.random.Generator) -> None:
        self._simulation.model.body("frame").pos[:] = rng.uniform(_FRAME_LOW, _FRAME_HIGH)

    def _recreate(self, observation: np.ndarray) -> None:
        data, frame = self._simulation.data, self._simulation.model.body("frame").pos
        data.qpos[1:28] = observation[:27]
        data.qpos[28:] = observation[28], observation[27]
        self._simulation.settle()
        # The forearm slides along a line, the frame stands where it was put: both to the point.
        along = data.joint("ARTz").xaxis
        data.qpos[0] = along @ (observation[29:32] - self._palm)
        frame += observation[32:35] - self._handle

    def _observe(self) -> np.ndarray:
        positions = self._simulation.data.qpos
        *joints, hinge, latch = positions[1:]
        opened = 1.0 if hinge > 1.0 else -1.0
        to_palm = self._palm - self._handle
        return np.concatenate([joints, [latch, hinge], self._palm, self._handle, to_palm, [opened]])

    def _assess(self) -> Outcome:
        data = self._simulation.data
        hinge = data.qpos[28]
        reward = (
            -0.1 * distance(self._palm, self._handle)
            - 0.1 * (hinge - _STRAIGHT) ** 2
            - 1e-5 * float(data.qvel @ data.qvel)
            + 2.0 * (hinge > 0.2)
            + 8.0 * (hinge > 1.0)
            + 10.0 * (hinge > _OPEN)
        )
        return Outcome(reward, bool(hinge >= _OPEN))


@gin.configurable
class LongDoorEnvironment(DoorEnvironment):
    """With the time that people took: D4RL cut most of their demonstrations, of 300 steps, at 200.

    No task of D4RL's, so it has no normalised score.
    """

    name = "d4rl_door_long"
    max_episode_steps = 300

    @override
    def normalized_score(self, episode_return: float) -> None:
        del episode_return
