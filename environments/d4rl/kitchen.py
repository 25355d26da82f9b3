"""Franka Kitchen: four things to be done in one kitchen, in any order."""

from __future__ import annotations

import copy
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import gin
import numpy as np
from typing_extensions import override

from environments.d4rl import assets
from environments.d4rl.environment import D4RLEnvironment
from environments.d4rl.rendering import Camera

_FRANKA = "kitchen/adept_envs/franka"
_JOINTS = 9  # of the arm and its two fingers
_POSITIONS = 30  # of the joints and of everything that moves in the kitchen
_SUBSTEPS, _STEP_SECONDS = 40, 0.08
_FASTEST = 2.0  # radians a second (fingers: metres); what an action of 1 asks for
_NOISE = 0.1  # of the amplitudes that the robot's file states
_COMPLETE = 0.3  # distance from a goal at which it counts as reached

# What is to be done: which positions, and where they should be (radians, metres, a quaternion).
_GOALS: Mapping[str, tuple[slice, tuple[float, ...]]] = {
    "bottom burner": (slice(11, 13), (-0.88, -0.01)),
    "light switch": (slice(17, 19), (-0.69, -0.05)),
    "slide cabinet": (slice(19, 20), (0.37,)),
    "microwave": (slice(22, 23), (-0.75,)),
    "kettle": (slice(23, 30), (-0.23, 0.75, 1.62, 0.99, 0.0, 0.0, -0.06)),
}

# Where every episode begins: the joints, knobs and burners, lights, doors, the kettle.
_START = (
    *(0.148388023, -1.76848573, 1.84390296, -2.4768576, 0.260252026, 0.712533105, 1.59515394),
    *(0.0479267505, 0.0371350919),
    *(-2.6627985e-4, -5.18043486e-5, 3.1287722e-5, -4.51199853e-5),
    *(-3.90842156e-6, -4.22629655e-5, 6.28065475e-5, 4.04984708e-5),
    *(4.62730939e-4, -2.26906415e-4, -4.65501369e-4),
    *(-6.44129196e-3, -1.77048263e-3, 1.08009684e-3),
    *(-0.26939744, 0.350383255, 1.61944683, 1.00618764, 4.06395120e-3, -6.62095997e-3),
    -2.68278933e-4,
)


class _Robot(NamedTuple):
    """What the robot's file says of each position.

    Attributes:
        low: that may be asked for, float64 [30].
        high: that may be asked for, float64 [30].
        noise: amplitude of what is seen beside the truth, float64 [30].
    """

    low: np.ndarray
    high: np.ndarray
    noise: np.ndarray


class KitchenEnvironment(D4RLEnvironment):
    """A Franka arm in a kitchen, in velocity control at 12.5 Hz.

    Observation, float32 [60]: positions of the arm's joints and fingers [9] and of everything else
    that moves [21], each with uniform noise (0.01 radians for the joints), and the goals of those
    [30], 0 where there is none. Action: float32 [9], velocities, 1 for 2 radians a second. As in
    D4RL the controller counts from where the joints were last *seen*, noise included, and what is
    seen decides about rewards.

    Reward: 1 for each of the four tasks at the step that completes it. A task is complete when its
    positions are within 0.3 of their goal (Euclidean, for the kettle with its quaternion). Success:
    all four; that ends the episode. Else it ends after 280 steps. Every episode begins in the same
    place; its noise alone is random.
    """

    max_episode_steps = 280
    camera = Camera((-0.2, 0.5, 2.0), 2.2, 70.0, -35.0)
    # Of `_GOALS`.
    tasks: ClassVar[tuple[str, ...]]

    def __init__(self) -> None:
        # Nobody changes it, so all environments of the process share it.
        model = assets.compiled(f"{_FRANKA}/assets/franka_kitchen_jntpos_act_ab.xml")
        super().__init__(model, 2 * _POSITIONS)
        self._robot = _read_robot()
        self._goal = np.zeros(_POSITIONS)
        for positions, goal in (_GOALS[task] for task in self.tasks):
            self._goal[positions] = goal
        self._to_do = frozenset(self.tasks)
        self._seen = np.array(_START)
        self._rng = np.random.default_rng(0)

    @property
    @override
    def success(self) -> bool:
        return not self._to_do

    @property
    def seen_joints(self) -> np.ndarray:
        """The joints as last observed, from which the next action counts: float64 [9].

        May be set, so that a recorded episode is executed from what its own robot saw.
        """
        return self._seen[:_JOINTS].copy()

    @seen_joints.setter
    def seen_joints(self, joints: np.ndarray) -> None:
        self._seen[:_JOINTS] = joints

    def _place(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._to_do = frozenset(self.tasks)
        self._simulation.data.qpos[:] = _START

    def _recreate(self, observation: np.ndarray) -> None:
        self._simulation.data.qpos[:] = observation[:_POSITIONS]

    def _execute(self, action: np.ndarray) -> None:
        wanted = self._seen[:_JOINTS] + _FASTEST * action * _STEP_SECONDS
        low, high = self._robot.low[:_JOINTS], self._robot.high[:_JOINTS]
        self._simulation.advance(np.clip(wanted, low, high), _SUBSTEPS)

    def _observe(self) -> np.ndarray:
        noise = _NOISE * self._robot.noise * self._rng.uniform(-1.0, 1.0, _POSITIONS)
        self._seen = self._simulation.data.qpos + noise
        return np.concatenate([self._seen, self._goal])

    def _judge(self) -> tuple[float, bool]:
        complete = frozenset(task for task in self._to_do if self._is_complete(task))
        self._to_do -= complete
        return float(len(complete)), not self._to_do

    def _is_complete(self, task: str) -> bool:
        positions, goal = _GOALS[task]
        return bool(np.linalg.norm(self._seen[positions] - goal) < _COMPLETE)

    def _save_progress(self) -> Any:
        return self._to_do, self._seen.copy(), copy.deepcopy(self._rng)

    def _restore_progress(self, progress: Any) -> None:
        self._to_do, seen, rng = progress
        self._seen, self._rng = seen.copy(), copy.deepcopy(rng)


@gin.configurable
class KitchenCompleteEnvironment(KitchenEnvironment):
    """Microwave, kettle, light switch, slide cabinet (`kitchen-complete-v0`)."""

    name = "d4rl_kitchen_complete"
    dataset = "kitchen-complete-v0"
    tasks = ("microwave", "kettle", "light switch", "slide cabinet")


@gin.configurable
class KitchenPartialEnvironment(KitchenEnvironment):
    """As complete; the demonstrations do other things besides (`kitchen-partial-v0`)."""

    name = "d4rl_kitchen_partial"
    dataset = "kitchen-partial-v0"
    tasks = KitchenCompleteEnvironment.tasks


@gin.configurable
class KitchenMixedEnvironment(KitchenEnvironment):
    """Microwave, kettle, bottom burner, light switch (`kitchen-mixed-v0`)."""

    name = "d4rl_kitchen_mixed"
    dataset = "kitchen-mixed-v0"
    tasks = ("microwave", "kettle", "bottom burner", "light switch")


def _read_robot() -> _Robot:
    root = ET.parse(assets.folder() / _FRANKA / "robot/franka_config.xml").getroot()
    stated = {element.tag: element.attrib for element in root}
    rows = [stated[f"qpos{number}"] for number in range(_POSITIONS)]
    low, high = np.array([row["pos_bound"].split() for row in rows], np.float64).T
    return _Robot(low, high, np.array([row["pos_noise_amp"] for row in rows], np.float64))
