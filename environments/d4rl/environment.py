"""What the D4RL tasks share: MuJoCo's steps, time limits, scores, saved states, pictures."""

from __future__ import annotations

import abc
from typing import Any, ClassVar

import mujoco
import numpy as np
from tf_agents.specs import array_spec
from tf_agents.trajectories import time_step as ts
from typing_extensions import override

from environments.base import Environment
from environments.d4rl import assets
from environments.d4rl.rendering import Camera, Renderer
from environments.d4rl.simulation import Simulation

_PICTURE_SIZE = (240, 320)


class D4RLEnvironment(Environment):
    """A task of D4RL v0 on today's MuJoCo.

    Action: float32 [A] in [-1, 1]. Observation: one float32 vector; the tasks say what is in it.
    An episode that is over by the task's own rule ends with discount 0, one that runs out of steps
    with discount 1.

    Args:
        model: this environment's own where it changes it.
        observation_size: numbers in the observation.
    """

    # D4RL's name of the demonstrations, and of the row in its table of scores.
    dataset: ClassVar[str]
    camera: ClassVar[Camera]

    def __init__(self, model: mujoco.MjModel, observation_size: int) -> None:
        super().__init__()
        self._simulation = Simulation(model)
        self._renderer: Renderer | None = None
        self._step_count = 0
        # Without bounds: nothing keeps what falls or is thrown within any.
        self._observation_spec = array_spec.ArraySpec(
            (observation_size,), np.float32, "observation"
        )
        self._action_spec = array_spec.BoundedArraySpec(
            (model.nu,), np.float32, -1.0, 1.0, "action"
        )

    @override
    def observation_spec(self) -> Any:
        return self._observation_spec

    @override
    def action_spec(self) -> Any:
        return self._action_spec

    @override
    def normalized_score(self, episode_return: float) -> float | None:
        low, high = assets.reference_returns(self.dataset)
        return (episode_return - low) / (high - low)

    def begin_at(self, observation: np.ndarray) -> ts.TimeStep:
        """Begins an episode at rest where a recorded episode began.

        What the recorded actions do then can be compared with what was recorded, and be seen.

        Args:
            observation: float [N], the first of an episode of this task.

        Returns:
            The FIRST time step.
        """
        self.reset()
        self._simulation.reset()
        self._recreate(np.asarray(observation, np.float64))
        self._simulation.settle()
        self._current_time_step = ts.restart(self._observe().astype(np.float32))
        return self._current_time_step

    def close(self) -> None:
        """Frees what draws."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None

    def _begin(self, rng: np.random.Generator) -> ts.TimeStep:
        self._step_count = 0
        self._simulation.reset()
        self._place(rng)
        self._simulation.settle()
        return ts.restart(self._observe().astype(np.float32))

    def _advance(self, action: np.ndarray) -> ts.TimeStep:
        self._execute(action)
        self._step_count += 1
        observation = self._observe().astype(np.float32)
        reward, over = self._judge()
        last = over or self._step_count == self.max_episode_steps
        # Put together by hand: `ts.transition` takes a quarter as long as a step's physics.
        return ts.TimeStep(
            ts.StepType.LAST if last else ts.StepType.MID,
            np.asarray(reward, np.float32),
            np.asarray(0.0 if over else 1.0, np.float32),
            observation,
        )

    @abc.abstractmethod
    def _place(self, rng: np.random.Generator) -> None:
        """Draws where an episode begins, in a simulation that was just reset."""

    @abc.abstractmethod
    def _recreate(self, observation: np.ndarray) -> None:
        """Puts everything where the first observation of an episode says, instead of `_place`."""

    @abc.abstractmethod
    def _execute(self, action: np.ndarray) -> None:
        """Lets a step's time pass."""

    @abc.abstractmethod
    def _observe(self) -> np.ndarray:
        """What is observed now: float64 [N]; called once a step."""

    @abc.abstractmethod
    def _judge(self) -> tuple[float, bool]:
        """The reward of the step just made, and whether it was the episode's last."""

    @abc.abstractmethod
    def _save_progress(self) -> Any:
        """A copy of what the episode has to remember besides the simulation."""

    @abc.abstractmethod
    def _restore_progress(self, progress: Any) -> None:
        """Takes over a copy of what `_save_progress` returned."""

    def _save(self) -> Any:
        return self._simulation.save(), self._step_count, self._save_progress()

    def _restore(self, saved: Any) -> None:
        snapshot, self._step_count, progress = saved
        self._simulation.restore(snapshot)
        self._restore_progress(progress)

    def _render(self) -> np.ndarray:
        if self._renderer is None:
            self._renderer = Renderer(self._simulation.model, self.camera, *_PICTURE_SIZE)
        return self._renderer.picture(self._simulation.data)
