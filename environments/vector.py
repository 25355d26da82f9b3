"""Batches of independent environments that step together."""

from __future__ import annotations

import abc
import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from tf_agents.environments import py_environment
from tf_agents.trajectories import time_step as ts
from tf_agents.utils import nest_utils
from typing_extensions import override

from environments.actions import check_action

if TYPE_CHECKING:
    from environments.base import Environment


class VectorEnvironment(py_environment.PyEnvironment):
    """A batched `PyEnvironment` of B independent rows of one task.

    Row r seeded with s is bit-equal to a single environment seeded with s. A row whose episode has
    ended begins its next episode at the next step and ignores its action, while the other rows
    continue.

    Args:
        batch_size: Number of rows B, at least 1.

    Raises:
        ValueError: If `batch_size` is below 1.
    """

    def __init__(self, batch_size: int) -> None:
        super().__init__()
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        self._batch_size = batch_size

    @property
    def batched(self) -> bool:
        """Always True."""
        return True

    @property
    def batch_size(self) -> int:
        """The number of rows B."""
        return self._batch_size

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """`Environment.name` of the rows, independent of the batch size."""

    @property
    @abc.abstractmethod
    def max_episode_steps(self) -> int:
        """The maximum number of actions in an episode."""

    @property
    @abc.abstractmethod
    def success(self) -> np.ndarray:
        """`Environment.success` of every row, a new array of bool [B]."""

    def normalized_score(self, episode_return: float) -> float | None:
        """Returns `Environment.normalized_score` of the task."""
        del episode_return
        return None

    @abc.abstractmethod
    def observation_spec(self) -> Any:
        """Returns `Environment.observation_spec` of one row."""

    @abc.abstractmethod
    def action_spec(self) -> Any:
        """Returns `Environment.action_spec` of one row."""

    @property
    def states(self) -> Any:
        """`Environment.states` of all rows, arrays [B, ...]."""
        return self.current_time_step().observation

    @abc.abstractmethod
    def seed(self, seeds: Sequence[int]) -> None:
        """Seeds row r with `seeds[r]`, as `Environment.seed` does.

        Args:
            seeds: B integers of at least 0.

        Raises:
            ValueError: If the number of seeds is not B, or a seed is not an integer of at least 0.
        """

    @abc.abstractmethod
    def demonstration_rng(self, row: int) -> np.random.Generator:
        """Returns `Environment.demonstration_rng` of one row."""

    @abc.abstractmethod
    def render(self, row: int = 0) -> np.ndarray:
        """Draws the current step of one row.

        Args:
            row: Index of the row.

        Returns:
            Uint8 [H, W, 3], RGB.

        Raises:
            ValueError: If no episode has begun.
        """

    @abc.abstractmethod
    def get_state(self) -> Any:
        """Returns the state of all rows, as `Environment.get_state` does."""

    @abc.abstractmethod
    def set_state(self, state: Any) -> None:
        """Restores a value that `get_state` returned. The value can be used repeatedly."""

    def _step(self, action: Any) -> ts.TimeStep:
        ended = np.asarray(self._current_time_step.is_last())
        checked = check_action(action, self.action_spec(), self._batch_size, rows=~ended)
        return self._step_rows(checked, ended)

    @abc.abstractmethod
    def _step_rows(self, action: Any, ended: np.ndarray) -> ts.TimeStep:
        """Begins episodes in the `ended` rows (bool [B]) and executes the other rows' actions."""

    def _check_seeds(self, seeds: Sequence[int]) -> None:
        if np.ndim(seeds) != 1 or len(seeds) != self._batch_size:
            raise ValueError(
                f"seeds must be {self._batch_size} integers, one per row, got {seeds!r}"
            )


class SerialVectorEnvironment(VectorEnvironment):
    """A vector environment that steps single environments sequentially.

    Args:
        environments: One environment per row, all of one task. This object owns and closes them.

    Raises:
        ValueError: If there are no environments, or their names differ.
    """

    def __init__(self, environments: Sequence[Environment]) -> None:
        super().__init__(len(environments))
        names = {environment.name for environment in environments}
        if len(names) != 1:
            raise ValueError(f"all rows must have the same task, got {sorted(names)}")
        self._rows = list(environments)

    @property
    @override
    def name(self) -> str:
        return self._rows[0].name

    @property
    @override
    def max_episode_steps(self) -> int:
        return self._rows[0].max_episode_steps

    @property
    @override
    def success(self) -> np.ndarray:
        return np.array([row.success for row in self._rows], bool)

    @property
    @override
    def states(self) -> Any:
        return nest_utils.stack_nested_arrays([row.states for row in self._rows])

    @override
    def normalized_score(self, episode_return: float) -> float | None:
        return self._rows[0].normalized_score(episode_return)

    @override
    def observation_spec(self) -> Any:
        return self._rows[0].observation_spec()

    @override
    def action_spec(self) -> Any:
        return self._rows[0].action_spec()

    @override
    def seed(self, seeds: Sequence[int]) -> None:
        self._check_seeds(seeds)
        for row, seed in zip(self._rows, seeds, strict=True):
            row.seed(seed)

    @override
    def demonstration_rng(self, row: int) -> np.random.Generator:
        return self._rows[row].demonstration_rng()

    @override
    def render(self, row: int = 0) -> np.ndarray:
        return self._rows[row].render()

    def close(self) -> None:
        """Closes the environments of all rows."""
        for row in self._rows:
            row.close()

    @override
    def get_state(self) -> Any:
        return copy.deepcopy(self._current_time_step), [row.get_state() for row in self._rows]

    @override
    def set_state(self, state: Any) -> None:
        time_step, rows = state
        self._current_time_step = copy.deepcopy(time_step)
        for row, saved in zip(self._rows, rows, strict=True):
            row.set_state(saved)

    def _reset(self) -> ts.TimeStep:
        return nest_utils.stack_nested_arrays([row.reset() for row in self._rows])

    def _step_rows(self, action: Any, ended: np.ndarray) -> ts.TimeStep:
        del ended  # A single environment begins its next episode itself.
        flat = tf.nest.flatten(action)
        steps = [
            row.step(tf.nest.pack_sequence_as(action, [leaf[index] for leaf in flat]))
            for index, row in enumerate(self._rows)
        ]
        return nest_utils.stack_nested_arrays(steps)
