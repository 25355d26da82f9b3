"""The base class of all environments: seeding, success, saved states and rendering."""

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
    """A task in raw physical units that runs one episode at a time.

    The specs hold at every step. Observations share no memory between steps. The step after a LAST
    step begins the next episode and ignores its action. This class seeds episodes, checks actions
    and saves states. A domain implements the abstract members.
    """

    def __init__(self) -> None:
        super().__init__()
        self._seeds = EpisodeSeeds()

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """The task and every option that changes its data, for example `particle_2d`."""

    @property
    @abc.abstractmethod
    def max_episode_steps(self) -> int:
        """The maximum number of actions in an episode."""

    @property
    @abc.abstractmethod
    def success(self) -> bool:
        """Whether the task is accomplished at the current step.

        At LAST this is the outcome of the episode. It remains available until the next episode
        begins. It is False before the first episode.
        """

    def normalized_score(self, episode_return: float) -> float | None:
        """Converts a return to the normalized score of the task's benchmark.

        Args:
            episode_return: A return, or a mean of returns.

        Returns:
            The score, 0 for a random policy and 1 for the reference policy of the benchmark. The
            score is unbounded in both directions. None if the benchmark defines no such score.
        """
        del episode_return
        return None

    @abc.abstractmethod
    def observation_spec(self) -> Any:
        """Returns a nest of `ArraySpec` in physical units, whose bounds hold at every step."""

    @abc.abstractmethod
    def action_spec(self) -> Any:
        """Returns a nest of `ArraySpec` in physical units. `step` rejects values out of bounds."""

    @property
    def states(self) -> Any:
        """The state at the current step, as a nest of arrays for a scripted demonstrator.

        The default is the observation. A domain with image observations overrides it.
        """
        return self.current_time_step().observation

    def seed(self, seed: int) -> None:
        """Seeds the next episodes. Episode j after this call depends only on (seed, j).

        The call does not affect the current episode.

        Args:
            seed: An integer of at least 0.

        Raises:
            ValueError: If `seed` is not an integer of at least 0.
        """
        self._seeds.seed(seed)

    def demonstration_rng(self) -> np.random.Generator:
        """Returns a new random generator for the demonstrator of the current episode.

        Every call during an episode returns the same stream. It depends on the episode's (seed, j)
        and is statistically independent of the episode's own draws.

        Raises:
            ValueError: If no episode has begun.
        """
        return self._seeds.demonstration_rng()

    def vectorized(self, batch_size: int) -> VectorEnvironment | None:
        """Returns a faster environment of `batch_size` rows of this task, or None."""
        del batch_size
        return None

    def render(self, mode: str = "rgb_array") -> np.ndarray:
        """Draws the current step.

        Args:
            mode: Must be 'rgb_array'.

        Returns:
            Uint8 [H, W, 3], RGB.

        Raises:
            ValueError: If `mode` is not 'rgb_array', or no episode has begun.
        """
        if mode != "rgb_array":
            raise ValueError(f"render mode must be 'rgb_array', got {mode!r}")
        if self._current_time_step is None:
            raise ValueError("nothing to render; call reset() first")
        return self._render()

    def get_state(self) -> Any:
        """Returns the complete state as an opaque value, which later steps do not change.

        After `set_state` in this or an equally constructed environment, the same actions give
        bit-equal steps, and the following episodes are equal too.
        """
        return copy.deepcopy(self._current_time_step), self._seeds.get_state(), self._save()

    def set_state(self, state: Any) -> None:
        """Restores a value that `get_state` returned. The value can be used repeatedly."""
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
        """Samples an initial state from `rng` and returns the FIRST time step."""

    @abc.abstractmethod
    def _advance(self, action: Any) -> ts.TimeStep:
        """Executes a validated action, which the environment owns, and returns the time step."""

    @abc.abstractmethod
    def _save(self) -> Any:
        """Returns a copy of the complete simulation state."""

    @abc.abstractmethod
    def _restore(self, saved: Any) -> None:
        """Restores a copy of a value that `_save` returned."""

    @abc.abstractmethod
    def _render(self) -> np.ndarray:
        """Returns an image of the current step, uint8 [H, W, 3]."""


def vectorize(make: Callable[[], Environment], batch_size: int) -> VectorEnvironment:
    """Makes an environment of `batch_size` rows.

    Args:
        make: Constructs one environment. It is called once if the environment has a vectorized
            form, and once per row otherwise.
        batch_size: Number of rows, at least 1.

    Returns:
        `make().vectorized(batch_size)`, or a `SerialVectorEnvironment` if that is None.

    Raises:
        TypeError: If `make` constructs something other than an `Environment`.
        ValueError: If `batch_size` is below 1.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}")
    environment = make()
    if not isinstance(environment, Environment):
        raise TypeError(
            f"{type(environment).__name__} is no environments.base.Environment, which adds seeds, "
            "success and saved states to TF-Agents' PyEnvironment. Derive its class from it."
        )
    fast = environment.vectorized(batch_size)
    if fast is None:
        return SerialVectorEnvironment([environment, *(make() for _ in range(batch_size - 1))])
    environment.close()
    return fast
