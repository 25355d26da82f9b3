"""What all environments share: seeding, success, saved states, rendering."""

from __future__ import annotations

import abc
import copy
from collections.abc import Callable
from typing import Any

import numpy as np
from tf_agents.environments import py_environment
from tf_agents.trajectories import time_step as ts

from environments.actions import check_action
from environments.seeding import EpisodeSeeds
from environments.vector import SerialVectorEnvironment, VectorEnvironment

__all__ = ["Environment", "SerialVectorEnvironment", "VectorEnvironment", "vectorize"]


class Environment(py_environment.PyEnvironment):
    """One task, one episode at a time, in raw physical units.

    The specs hold at every step, observations share no memory between steps, and the step after
    a LAST one begins the next episode, its action being ignored. A domain implements the
    abstract members; this class does the seeding, checks actions and saves states.
    """

    def __init__(self) -> None:
        super().__init__()
        self._seeds = EpisodeSeeds()

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """The task and every option that changes its data, e.g. `particle_2d`."""

    @property
    @abc.abstractmethod
    def max_episode_steps(self) -> int:
        """The most actions that an episode takes."""

    @property
    @abc.abstractmethod
    def success(self) -> bool:
        """Whether the task is accomplished as of the current step.

        At LAST this is the episode's outcome; it stays readable until the next episode begins.
        False before the first.
        """

    def normalized_score(self, episode_return: float) -> float | None:
        """A return (or a mean of returns) on its benchmark's scale.

        Returns:
            0 for a policy that acts at random and 1 for the benchmark's reference, below and beyond
            included; None where the task is of no benchmark with such a scale.
        """
        del episode_return
        return None

    @abc.abstractmethod
    def observation_spec(self) -> Any:
        """A nest of `ArraySpec`, in physical units, whose bounds hold at every step."""

    @abc.abstractmethod
    def action_spec(self) -> Any:
        """A nest of `ArraySpec`, in physical units; values beyond the bounds are refused."""

    @property
    def states(self) -> Any:
        """What a scripted demonstrator acts on: arrays as of the current step.

        The observation, unless the domain hides behind pictures what a script must know.
        """
        return self.current_time_step().observation

    def seed(self, seed: int) -> None:
        """Makes the next episodes repeatable: episode j from now on depends on (seed, j) alone.

        Args:
            seed: An integer, 0 or greater. The running episode is left as it is.

        Raises:
            ValueError: If `seed` is no such integer.
        """
        self._seeds.seed(seed)

    def demonstration_rng(self) -> np.random.Generator:
        """The current episode's random generator for its demonstrator, new at every call.

        It depends on the same (seed, j) as the episode, and its draws are independent of it.

        Raises:
            ValueError: If no episode has begun.
        """
        return self._seeds.demonstration_rng()

    def vectorized(self, batch_size: int) -> VectorEnvironment | None:
        """A faster environment of `batch_size` rows of this task, or None where there is none."""
        del batch_size
        return None

    def render(self, mode: str = "rgb_array") -> np.ndarray:
        """Draws the current step.

        Args:
            mode: 'rgb_array', the only one.

        Returns:
            uint8 [H, W, 3], red, green, blue.

        Raises:
            ValueError: If `mode` is another or no episode has begun.
        """
        if mode != "rgb_array":
            raise ValueError(f"render mode must be 'rgb_array', got {mode!r}")
        if self._current_time_step is None:
            raise ValueError("nothing to render: call reset() first")
        return self._render()

    def get_state(self) -> Any:
        """Everything needed to go on from here, as an opaque value that later steps leave alone.

        Restored by `set_state` in this or any environment constructed alike, the same actions
        give bit-equal steps, and the episodes that follow are the same too.
        """
        return copy.deepcopy(self._current_time_step), self._seeds.get_state(), self._save()

    def set_state(self, state: Any) -> None:
        """Restores what `get_state` returned; the value can be used again."""
        time_step, seeds, saved = state
        self._current_time_step = copy.deepcopy(time_step)
        self._seeds.set_state(seeds)
        self._restore(saved)

    def _reset(self) -> ts.TimeStep:
        return self._begin(self._seeds.begin())

    def _step(self, action: Any) -> ts.TimeStep:
        if self._current_time_step.is_last():
            return self._reset()
        return self._advance(check_action(action, self.action_spec()))

    @abc.abstractmethod
    def _begin(self, rng: np.random.Generator) -> ts.TimeStep:
        """Draws a new task from `rng` alone and returns its FIRST time step."""

    @abc.abstractmethod
    def _advance(self, action: Any) -> ts.TimeStep:
        """Executes an action (checked, the environment's to keep) and returns the time step."""

    @abc.abstractmethod
    def _save(self) -> Any:
        """A copy of the simulation's whole state."""

    @abc.abstractmethod
    def _restore(self, saved: Any) -> None:
        """Takes over a copy of what `_save` returned."""

    @abc.abstractmethod
    def _render(self) -> np.ndarray:
        """Draws the current step: uint8 [H, W, 3]."""


def vectorize(make: Callable[[], Environment], batch_size: int) -> VectorEnvironment:
    """An environment of `batch_size` rows.

    Args:
        make: Constructs one environment; called once for each row, or only once where the
            environment has a fast vector form.
        batch_size: Number of rows, at least 1.

    Returns:
        `make().vectorized(batch_size)`, or single environments stepped one after another where
        that is None.

    Raises:
        ValueError: If `batch_size` is below 1.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}")
    environment = make()
    fast = environment.vectorized(batch_size)
    if fast is None:
        return SerialVectorEnvironment([environment, *(make() for _ in range(batch_size - 1))])
    environment.close()
    return fast
