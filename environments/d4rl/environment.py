"""The base class of the D4RL tasks: steps, time limits, scores, saved states and rendering."""

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

_IMAGE_SIZE = (240, 320)  # height and width in pixels


class D4RLEnvironment(Environment):
    """A D4RL v0 task on a current version of MuJoCo.

    Action: float32 [A] in [-1, 1]. Observation: a float32 vector that the tasks document. An
    episode that terminates by the rules of the task ends with discount 0, and an episode that
    reaches the step limit ends with discount 1.

    Args:
        model: The model. It must not be shared if the environment changes it.
        observation_size: Number of elements of the observation.

    References:
        Fu et al., "D4RL: Datasets for Deep Data-Driven Reinforcement Learning", 2020.
        https://arxiv.org/abs/2004.07219
    """

    # Name of the dataset in D4RL, which is also the key of its reference scores.
    dataset: ClassVar[str]
    camera: ClassVar[Camera]

    def __init__(self, model: mujoco.MjModel, observation_size: int) -> None:
        super().__init__()
        self._simulation = Simulation(model)
        self._renderer: Renderer | None = None
        self._step_count = 0
        # The observation is unbounded, because objects can fall or be thrown any distance.
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

    def reset_to(self, observation: np.ndarray) -> ts.TimeStep:
        """Begins an episode at rest in the initial state of a recorded episode.

        Executing the recorded actions then reproduces the recorded episode for comparison.

        Args:
            observation: Float [N], the first observation of an episode of this task.

        Returns:
            The FIRST time step.
        """
        self.reset()
        self._simulation.reset()
        self._set_initial_state(np.asarray(observation, np.float64))
        self._simulation.forward()
        self._current_time_step = ts.restart(self._observe().astype(np.float32))
        return self._current_time_step

    def close(self) -> None:
        """Releases the renderer."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None

    def _begin(self, rng: np.random.Generator) -> ts.TimeStep:
        self._step_count = 0
        self._simulation.reset()
        self._sample_initial_state(rng)
        self._simulation.forward()
        return ts.restart(self._observe().astype(np.float32))

    def _advance(self, action: np.ndarray) -> ts.TimeStep:
        self._apply_action(action)
        self._step_count += 1
        observation = self._observe().astype(np.float32)
        reward, terminated = self._reward_and_termination()
        last = terminated or self._step_count == self.max_episode_steps
        # `ts.transition` would take a quarter of the time of the physics.
        return ts.TimeStep(
            ts.StepType.LAST if last else ts.StepType.MID,
            np.asarray(reward, np.float32),
            np.asarray(0.0 if terminated else 1.0, np.float32),
            observation,
        )

    @abc.abstractmethod
    def _sample_initial_state(self, rng: np.random.Generator) -> None:
        """Samples the initial state of an episode in a simulation that was just reset."""

    @abc.abstractmethod
    def _set_initial_state(self, observation: np.ndarray) -> None:
        """Sets the initial state that corresponds to the first observation of an episode."""

    @abc.abstractmethod
    def _apply_action(self, action: np.ndarray) -> None:
        """Simulates one step."""

    @abc.abstractmethod
    def _observe(self) -> np.ndarray:
        """Returns the observation, float64 [N]. It is called once per step."""

    @abc.abstractmethod
    def _reward_and_termination(self) -> tuple[float, bool]:
        """Returns the reward of the last step, and whether the task's rules end the episode."""

    @abc.abstractmethod
    def _save_progress(self) -> Any:
        """Returns a copy of the episode state outside the simulation."""

    @abc.abstractmethod
    def _restore_progress(self, progress: Any) -> None:
        """Restores a copy of a value that `_save_progress` returned."""

    def _save(self) -> Any:
        return self._simulation.save(), self._step_count, self._save_progress()

    def _restore(self, saved: Any) -> None:
        snapshot, self._step_count, progress = saved
        self._simulation.restore(snapshot)
        self._restore_progress(progress)

    def _render(self) -> np.ndarray:
        if self._renderer is None:
            self._renderer = Renderer(self._simulation.model, self.camera, *_IMAGE_SIZE)
        return self._renderer.render(self._simulation.data)
