"""The Adroit hand: what pen, hammer, door and relocate share."""

from __future__ import annotations

import abc
import copy
from typing import Any, ClassVar, NamedTuple

import mujoco
import numpy as np
from typing_extensions import override

from environments.d4rl import assets
from environments.d4rl.environment import D4RLEnvironment

_SUBSTEPS = 5  # of 2 ms


class Outcome(NamedTuple):
    """What a step came to.

    Attributes:
        reward: of the step.
        at_goal: whether things are as they should be.
        over: whether the episode cannot go on.
    """

    reward: float
    at_goal: bool
    over: bool = False


class AdroitEnvironment(D4RLEnvironment):
    """A hand of 24 joints, on a forearm that moves or not, in position control at 100 Hz.

    Action: set points of forearm and hand, scaled from the actuators' ranges to [-1, 1].

    Success: at the goal at the end of more than `steps_at_goal` steps of the episode, in a row or
    not, as D4RL counts.
    """

    model_file: ClassVar[str]
    observation_size: ClassVar[int]
    steps_at_goal: ClassVar[int] = 25

    def __init__(self) -> None:
        path = f"hand_manipulation_suite/assets/{self.model_file}"
        # Of its own: where things begin is written into the model.
        model = copy.copy(assets.compiled(path))
        _set_gains(model)
        super().__init__(model, self.observation_size)
        low, high = model.actuator_ctrlrange.T
        self._centre, self._half_range = (low + high) / 2, (high - low) / 2
        self._palm = self._simulation.data.site("S_grasp").xpos
        self._steps_at_goal = 0

    @property
    @override
    def success(self) -> bool:
        return self._steps_at_goal > self.steps_at_goal

    @abc.abstractmethod
    def _assess(self) -> Outcome:
        """Judges the step just made."""

    def _begin(self, rng: np.random.Generator) -> Any:
        self._steps_at_goal = 0
        return super()._begin(rng)

    def _execute(self, action: np.ndarray) -> None:
        self._simulation.advance(self._centre + action * self._half_range, _SUBSTEPS)

    def _judge(self) -> tuple[float, bool]:
        outcome = self._assess()
        self._steps_at_goal += outcome.at_goal
        return outcome.reward, outcome.over

    def _save_progress(self) -> int:
        return self._steps_at_goal

    def _restore_progress(self, progress: int) -> None:
        self._steps_at_goal = progress


def _set_gains(model: mujoco.MjModel) -> None:
    """Makes wrist and fingers as stiff as the tasks have them, N m/rad; the file says otherwise."""
    for first, last, stiffness in (("A_WRJ1", "A_WRJ0", 10), ("A_FFJ3", "A_THJ0", 1)):
        actuators = slice(model.actuator(first).id, model.actuator(last).id + 1)
        model.actuator_gainprm[actuators, :3] = [stiffness, 0, 0]
        model.actuator_biasprm[actuators, :3] = [0, -stiffness, 0]


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """Between two points, metres."""
    return float(np.linalg.norm(one - other))
