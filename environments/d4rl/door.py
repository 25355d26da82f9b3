"""The door task: undo the latch and swing the door open."""

from __future__ import annotations

import gin
import numpy as np
from typing_extensions import override

from environments.d4rl.adroit import AdroitEnvironment, Outcome, distance
from environments.d4rl.rendering import Camera

_FRAME_LOW, _FRAME_HIGH = (-0.3, 0.25, 0.252), (-0.2, 0.35, 0.35)  # m
_FULLY_OPEN = 1.57  # rad, the limit of the hinge
_OPEN = 1.35  # rad


@gin.configurable
class DoorEnvironment(AdroitEnvironment):
    """The door task of D4RL (`door-human-v0`): turn the handle and swing the door open.

    Observation, float32 [39]: the joints of arm and hand except the forearm slide [27] (rad), latch
    and hinge (rad), palm [3], handle [3], palm relative to handle [3] (m), and 1 if the hinge angle
    exceeds 1 rad, else -1. Action: float32 [28].

    Reward: -0.1 · |palm - handle| - 0.1 · (hinge - 1.57)² - 1e-5 · |joint velocities|², plus 2, 8
    and 10 if the hinge angle exceeds 0.2, 1 and 1.35 rad. Goal: a hinge angle of at least 1.35 rad.

    The frame starts uniformly in a box of 0.1 × 0.1 × 0.098 m. Every episode has 200 steps.
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

    def _sample_initial_state(self, rng: np.random.Generator) -> None:
        self._simulation.model.body("frame").pos[:] = rng.uniform(_FRAME_LOW, _FRAME_HIGH)

    def _set_initial_state(self, observation: np.ndarray) -> None:
        data, frame = self._simulation.data, self._simulation.model.body("frame").pos
        data.qpos[1:28] = observation[:27]
        data.qpos[28:] = observation[28], observation[27]
        self._simulation.forward()
        # Infer the forearm slide from the palm, and the frame from the handle.
        along = data.joint("ARTz").xaxis
        data.qpos[0] = along @ (observation[29:32] - self._palm)
        frame += observation[32:35] - self._handle

    def _observe(self) -> np.ndarray:
        positions = self._simulation.data.qpos
        *joints, hinge, latch = positions[1:]
        is_open = 1.0 if hinge > 1.0 else -1.0
        to_palm = self._palm - self._handle
        return np.concatenate(
            [joints, [latch, hinge], self._palm, self._handle, to_palm, [is_open]]
        )

    def _evaluate(self) -> Outcome:
        data = self._simulation.data
        hinge = data.qpos[28]
        reward = (
            -0.1 * distance(self._palm, self._handle)
            - 0.1 * (hinge - _FULLY_OPEN) ** 2
            - 1e-5 * float(data.qvel @ data.qvel)
            + 2.0 * (hinge > 0.2)
            + 8.0 * (hinge > 1.0)
            + 10.0 * (hinge > _OPEN)
        )
        return Outcome(reward, bool(hinge >= _OPEN))


@gin.configurable
class LongDoorEnvironment(DoorEnvironment):
    """The door task with the 300-step horizon of the human demonstrations.

    D4RL truncates most of the demonstrations at 200 steps. This variant is not part of D4RL and has
    no normalized score.
    """

    name = "d4rl_door_long"
    max_episode_steps = 300

    @override
    def normalized_score(self, episode_return: float) -> None:
        del episode_return
