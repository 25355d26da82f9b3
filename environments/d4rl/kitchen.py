"""The Franka Kitchen tasks: four subtasks in one kitchen, in any order."""

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
_JOINTS = 9  # positions of the arm and its two fingers
_POSITIONS = 30  # positions of the joints and of all movable objects
_SUBSTEPS, _STEP_SECONDS = 40, 0.08
_MAX_VELOCITY = 2.0  # rad/s (fingers: m/s), the velocity of an action of 1
_NOISE = 0.1  # fraction of the noise amplitudes in the robot's file
_GOAL_DISTANCE = 0.3  # distance from a goal at which it is reached

# The positions of each subtask and their goal (rad, m, a quaternion).
_GOALS: Mapping[str, tuple[slice, tuple[float, ...]]] = {
    "bottom burner": (slice(11, 13), (-0.88, -0.01)),
    "light switch": (slice(17, 19), (-0.69, -0.05)),
    "slide cabinet": (slice(19, 20), (0.37,)),
    "microwave": (slice(22, 23), (-0.75,)),
    "kettle": (slice(23, 30), (-0.23, 0.75, 1.62, 0.99, 0.0, 0.0, -0.06)),
}

# The initial positions: joints, knobs and burners, lights, doors, kettle.
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
    """The properties of each position in the robot's file.

    Attributes:
        low: Lower bounds of the set points, float64 [30].
        high: Upper bounds of the set points, float64 [30].
        noise: Amplitudes of the observation noise, float64 [30].
    """

    low: np.ndarray
    high: np.ndarray
    noise: np.ndarray


class KitchenEnvironment(D4RLEnvironment):
    """A Franka arm in a kitchen, in velocity control at 12.5 Hz.

    Observation, float32 [60]: the positions of arm and fingers [9] and of the movable objects [21]
    with uniform noise (0.01 rad for the joints), and the goals of these positions [30], which are 0
    where no goal is set. Action: float32 [9], velocities, where 1 is 2 rad/s. As in D4RL, the
    controller adds the action to the last observed joints, including their noise, and rewards
    depend on observed positions.

    Reward: 1 for each subtask at the step that completes it. A subtask is complete if its positions
    are within a Euclidean distance of 0.3 of their goal, which includes the quaternion of the
    kettle. Success: all four subtasks are complete, which terminates the episode. The step limit is
    280. All episodes have the same initial state, and only the observation noise is random.

    References:
        Gupta et al., "Relay Policy Learning: Solving Long-Horizon Tasks via Imitation and
        Reinforcement Learning", 2019. https://arxiv.org/abs/1910.11956
    """

    max_episode_steps = 280
    camera = Camera((-0.2, 0.5, 2.0), 2.2, 70.0, -35.0)
    # Keys of `_GOALS`.
    tasks: ClassVar[tuple[str, ...]]

    def __init__(self) -> None:
        # The environment does not change the model, so all environments of the process share it.
        model = assets.load_model(f"{_FRANKA}/assets/franka_kitchen_jntpos_act_ab.xml")
        super().__init__(model, 2 * _POSITIONS)
        self._robot = _read_robot()
        self._goal = np.zeros(_POSITIONS)
        for positions, goal in (_GOALS[task] for task in self.tasks):
            self._goal[positions] = goal
        self._remaining = frozenset(self.tasks)
        self._observed = np.array(_START)
        self._rng = np.random.default_rng(0)

    @property
    @override
    def success(self) -> bool:
        return not self._remaining

    @property
    def observed_joints(self) -> np.ndarray:
        """The last observed joints, to which the next action is added, float64 [9].

        Setting them replays a recorded episode from the joints that were observed in it.
        """
        return self._observed[:_JOINTS].copy()

    @observed_joints.setter
    def observed_joints(self, joints: np.ndarray) -> None:
        self._observed[:_JOINTS] = joints

    def _sample_initial_state(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._remaining = frozenset(self.tasks)
        self._simulation.data.qpos[:] = _START

    def _set_initial_state(self, observation: np.ndarray) -> None:
        self._simulation.data.qpos[:] = observation[:_POSITIONS]

    def _apply_action(self, action: np.ndarray) -> None:
        set_point = self._observed[:_JOINTS] + _MAX_VELOCITY * action * _STEP_SECONDS
        low, high = self._robot.low[:_JOINTS], self._robot.high[:_JOINTS]
        self._simulation.advance(np.clip(set_point, low, high), _SUBSTEPS)

    def _observe(self) -> np.ndarray:
        noise = _NOISE * self._robot.noise * self._rng.uniform(-1.0, 1.0, _POSITIONS)
        self._observed = self._simulation.data.qpos + noise
        return np.concatenate([self._observed, self._goal])

    def _reward_and_termination(self) -> tuple[float, bool]:
        completed = frozenset(task for task in self._remaining if self._is_complete(task))
        self._remaining -= completed
        return float(len(completed)), not self._remaining

    def _is_complete(self, task: str) -> bool:
        positions, goal = _GOALS[task]
        return bool(np.linalg.norm(self._observed[positions] - goal) < _GOAL_DISTANCE)

    def _save_progress(self) -> Any:
        return self._remaining, self._observed.copy(), copy.deepcopy(self._rng)

    def _restore_progress(self, progress: Any) -> None:
        self._remaining, observed, rng = progress
        self._observed, self._rng = observed.copy(), copy.deepcopy(rng)


@gin.configurable
class KitchenCompleteEnvironment(KitchenEnvironment):
    """`kitchen-complete-v0`: microwave, kettle, light switch and slide cabinet."""

    name = "d4rl_kitchen_complete"
    dataset = "kitchen-complete-v0"
    tasks = ("microwave", "kettle", "light switch", "slide cabinet")


@gin.configurable
class KitchenPartialEnvironment(KitchenEnvironment):
    """`kitchen-partial-v0`: the subtasks of `kitchen-complete-v0`.

    Its demonstrations also contain other subtasks.
    """

    name = "d4rl_kitchen_partial"
    dataset = "kitchen-partial-v0"
    tasks = KitchenCompleteEnvironment.tasks


@gin.configurable
class KitchenMixedEnvironment(KitchenEnvironment):
    """`kitchen-mixed-v0`: microwave, kettle, bottom burner and light switch."""

    name = "d4rl_kitchen_mixed"
    dataset = "kitchen-mixed-v0"
    tasks = ("microwave", "kettle", "bottom burner", "light switch")


def _read_robot() -> _Robot:
    root = ET.parse(assets.folder() / _FRANKA / "robot/franka_config.xml").getroot()
    attributes = {element.tag: element.attrib for element in root}
    rows = [attributes[f"qpos{number}"] for number in range(_POSITIONS)]
    low, high = np.array([row["pos_bound"].split() for row in rows], np.float64).T
    return _Robot(low, high, np.array([row["pos_noise_amp"] for row in rows], np.float64))
