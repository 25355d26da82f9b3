"""The base class of the Adroit tasks pen, hammer, door and relocate."""

from __future__ import annotations

import abc
import copy
from typing import Any, ClassVar, NamedTuple

import mujoco
import numpy as np
from typing_extensions import override

from environments.d4rl import assets
from environments.d4rl.environment import D4RLEnvironment

_SUBSTEPS = 5  # physics steps of 2 ms per action


class Outcome(NamedTuple):
    """The outcome of a step.

    Attributes:
        reward: Reward of the step.
        at_goal: Whether the task's goal condition holds.
        terminated: Whether the episode ends by the rules of the task.
    """

    reward: float
    at_goal: bool
    terminated: bool = False


class AdroitEnvironment(D4RLEnvironment):
    """A hand with 24 joints on a fixed or movable forearm, in position control at 100 Hz.

    Action: set points of forearm and hand, scaled from the actuator ranges to [-1, 1].

    Success: the goal condition holds after more than `steps_at_goal` steps of the episode, which
    need not be consecutive. This is the criterion of D4RL.

    References:
        Rajeswaran et al., "Learning Complex Dexterous Manipulation with Deep Reinforcement Learning
        and Demonstrations", 2018. https://arxiv.org/abs/1709.10087
    """

    model_file: ClassVar[str]
    observation_size: ClassVar[int]
    steps_at_goal: ClassVar[int] = 25

    def __init__(self) -> None:
        path = f"hand_manipulation_suite/assets/{self.model_file}"
        # Each environment needs its own copy, because initial poses are written to the model.
        model = copy.copy(assets.load_model(path))
        _set_gains(model)
        super().__init__(model, self.observation_size)
        low, high = model.actuator_ctrlrange.T
        self._center, self._half_range = (low + high) / 2, (high - low) / 2
        self._palm = self._simulation.data.site("S_grasp").xpos
        self._steps_at_goal = 0

    @property
    @override
    def success(self) -> bool:
        return self._steps_at_goal > self.steps_at_goal

    @abc.abstractmethod
    def _evaluate(self) -> Outcome:
        """Returns the outcome of the last step."""

    def _begin(self, rng: np.random.Generator) -> Any:
        self._steps_at_goal = 0
        return super()._begin(rng)

    def _apply_action(self, action: np.ndarray) -> None:
        self._simulation.advance(self._center + action * self._half_range, _SUBSTEPS)

    def _reward_and_termination(self) -> tuple[float, bool]:
        outcome = self._evaluate()
        self._steps_at_goal += outcome.at_goal
        return outcome.reward, outcome.terminated

    def _save_progress(self) -> int:
        return self._steps_at_goal

    def _restore_progress(self, progress: int) -> None:
        self._steps_at_goal = progress


def _set_gains(model: mujoco.MjModel) -> None:
    """Sets the stiffness of wrist and fingers (N m/rad), which differs from the model file."""
    for first, last, stiffness in (("A_WRJ1", "A_WRJ0", 10), ("A_FFJ3", "A_THJ0", 1)):
        actuators = slice(model.actuator(first).id, model.actuator(last).id + 1)
        model.actuator_gainprm[actuators, :3] = [stiffness, 0, 0]
        model.actuator_biasprm[actuators, :3] = [0, -stiffness, 0]


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """Computes the distance between two points, in meters."""
    return float(np.linalg.norm(one - other))
