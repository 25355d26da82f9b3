"""The N-dimensional particle as a single and as a vector environment."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import gin
import numpy as np
from tf_agents.trajectories import time_step as ts
from tf_agents.utils import nest_utils
from typing_extensions import override

from environments.base import Environment, VectorEnvironment
from environments.particle.episodes import ParticleEpisodes
from environments.particle.task import ParticleTask
from environments.seeding import EpisodeSeeds


@gin.configurable
class ParticleEnvironment(Environment):
    """A particle that must visit a first goal and then end the episode at a second goal.

    A unit mass in N dimensions starts at rest. Its start and both goals are uniform in [0, 1]^N.
    The action is the set point of a PD controller that acts for 0.05 s (see `dynamics`).

    Observation: `pos_agent`, `vel_agent` (1/s), `pos_first_goal` and `pos_second_goal`, float32 [N]
    each. Positions may slightly overshoot [0, 1]. The bounds of the specs are the exact range over
    all action sequences. Action: float32 [N] in [0, 1].

    Success: the particle is within 0.05 of the first goal at some frame, and within 0.05 of the
    second goal at a later frame, which must be the last. Frames are the observations (20 Hz),
    including the first. Reward: 1 at the last step of a successful episode, and 0 otherwise.

    An episode has 50 actions, or 60 + `wait_at_first_goal` if that is positive. It then terminates
    with discount 0: the reward depends on the final frame, so a value must not be bootstrapped from
    it.

    Args:
        dimension: N, from 1 to 32.
        hide_velocity: Whether to omit `vel_agent` from the observation, so that a single frame does
            not determine the motion.
        either_goal_first: Whether the goals may be visited in either order. The demonstrator then
            samples the order each episode, so that demonstrations are multimodal.
        wait_at_first_goal: Number of steps (0.05 s) to stay within 0.05 of the goal visited first.
            The goal counts as visited after 1 + `wait_at_first_goal` consecutive frames.

    Raises:
        SettingError: If an argument has a wrong type or is out of range.

    References:
        Florence et al., "Implicit Behavioral Cloning", 2021, Sec. 4.
        https://arxiv.org/abs/2109.00137

    Examples:
        >>> environment = ParticleEnvironment(dimension=2)
        >>> environment.seed(0)
        >>> sorted(environment.reset().observation)
        ['pos_agent', 'pos_first_goal', 'pos_second_goal', 'vel_agent']
    """

    def __init__(
        self,
        dimension: int = 2,
        hide_velocity: bool = False,
        either_goal_first: bool = False,
        wait_at_first_goal: int = 0,
    ) -> None:
        super().__init__()
        self._task = ParticleTask(dimension, hide_velocity, either_goal_first, wait_at_first_goal)
        self._episodes = ParticleEpisodes(self._task, 1)
        self._observation_spec = self._task.observation_spec()
        self._action_spec = self._task.action_spec()

    @property
    def task(self) -> ParticleTask:
        """The task's options."""
        return self._task

    @property
    @override
    def name(self) -> str:
        return self._task.name

    @property
    @override
    def max_episode_steps(self) -> int:
        return self._task.episode_steps

    @property
    @override
    def success(self) -> bool:
        return bool(self._episodes.success[0])

    @override
    def observation_spec(self) -> Any:
        return self._observation_spec

    @override
    def action_spec(self) -> Any:
        return self._action_spec

    @override
    def vectorized(self, batch_size: int) -> VectorParticleEnvironment:
        return VectorParticleEnvironment(self._task, batch_size)

    def _begin(self, rng: np.random.Generator) -> ts.TimeStep:
        self._episodes.begin(np.array([True]), [rng])
        return nest_utils.unbatch_nested_array(self._episodes.time_step())

    def _advance(self, action: np.ndarray) -> ts.TimeStep:
        self._episodes.advance(np.array([True]), action[None])
        return nest_utils.unbatch_nested_array(self._episodes.time_step())

    def _save(self) -> Any:
        return self._episodes.save()

    def _restore(self, saved: Any) -> None:
        self._episodes.restore(saved)

    def _render(self) -> np.ndarray:
        return self._episodes.render(0)


class VectorParticleEnvironment(VectorEnvironment):
    """A batch of particles that step together. `ParticleEnvironment.vectorized` makes it.

    Args:
        task: The task's options, equal for all rows.
        batch_size: Number of rows, at least 1.

    Raises:
        ValueError: If `batch_size` is below 1.
    """

    def __init__(self, task: ParticleTask, batch_size: int) -> None:
        super().__init__(batch_size)
        self._task = task
        self._seeds = [EpisodeSeeds() for _ in range(batch_size)]
        self._episodes = ParticleEpisodes(task, batch_size)
        self._observation_spec = task.observation_spec()
        self._action_spec = task.action_spec()

    @property
    def task(self) -> ParticleTask:
        """The task's options."""
        return self._task

    @property
    @override
    def name(self) -> str:
        return self._task.name

    @property
    @override
    def max_episode_steps(self) -> int:
        return self._task.episode_steps

    @property
    @override
    def success(self) -> np.ndarray:
        return self._episodes.success

    @override
    def observation_spec(self) -> Any:
        return self._observation_spec

    @override
    def action_spec(self) -> Any:
        return self._action_spec

    @override
    def seed(self, seeds: Sequence[int]) -> None:
        self._check_seeds(seeds)
        for row, seed in zip(self._seeds, seeds, strict=True):
            row.seed(seed)

    @override
    def demonstration_rng(self, row: int) -> np.random.Generator:
        return self._seeds[row].demonstration_rng()

    @override
    def render(self, row: int = 0) -> np.ndarray:
        if self._current_time_step is None:
            raise ValueError("nothing to render; call reset() first")
        return self._episodes.render(row)

    @override
    def get_state(self) -> Any:
        seeds = [row.get_state() for row in self._seeds]
        return copy.deepcopy(self._current_time_step), seeds, self._episodes.save()

    @override
    def set_state(self, state: Any) -> None:
        time_step, seeds, episodes = state
        self._current_time_step = copy.deepcopy(time_step)
        for row, saved in zip(self._seeds, seeds, strict=True):
            row.set_state(saved)
        self._episodes.restore(episodes)

    def _reset(self) -> ts.TimeStep:
        self._begin(np.ones(self.batch_size, bool))
        return self._episodes.time_step()

    def _step_rows(self, action: np.ndarray, ended: np.ndarray) -> ts.TimeStep:
        self._episodes.advance(~ended, action)
        self._begin(ended)
        return self._episodes.time_step()

    def _begin(self, rows: np.ndarray) -> None:
        self._episodes.begin(rows, [self._seeds[row].begin() for row in np.flatnonzero(rows)])
