"""Observers of the episode loop that record its episodes, their outcomes and their images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory

from data import episodes as episodes_lib
from environments import base
from ibc_agents.rollouts import actors, episode_loop, rollout_seeds


class EpisodeRecorder:
    """Records the frames of a batch of episodes, as a dataset holds them."""

    def __init__(self) -> None:
        self._frames: list[tuple[ts.TimeStep, Any]] = []
        self._lengths: Any = 0  # int [B] after the first frame

    def observe(self, frame: episode_loop.Frame) -> None:
        """Records a frame."""
        self._frames.append((frame.time_step, frame.actor_step.recorded_action))
        self._lengths = self._lengths + frame.is_active

    def episodes(self) -> list[episodes_lib.Episode]:
        """Returns the episode of each row. Its last frame is LAST and has a recorded action."""
        return [self._episode(row, length) for row, length in enumerate(self._lengths)]

    def _episode(self, row: int, length: int) -> episodes_lib.Episode:
        time_step, action = tf.nest.map_structure(
            lambda *leaves: np.stack([leaf[row] for leaf in leaves]), *self._frames[:length]
        )
        # A frame holds the reward and the discount of its action, which the next time step has.
        # After LAST an environment is reset: FIRST, with reward 0 and discount 1.
        return episodes_lib.Episode(
            trajectory.Trajectory(
                step_type=time_step.step_type,
                observation=time_step.observation,
                action=action,
                policy_info=(),
                next_step_type=_shift(time_step.step_type, ts.StepType.FIRST),
                reward=_shift(time_step.reward, 0.0),
                discount=_shift(time_step.discount, 1.0),
            )
        )


class RowOutcomes(NamedTuple):
    """The outcome of the episode of each row.

    Attributes:
        success: Bool [B], as the environment defines it.
        total_reward: Float64 [B], undiscounted.
        steps: Int [B], number of executed actions.
    """

    success: np.ndarray
    total_reward: np.ndarray
    steps: np.ndarray


class OutcomeRecorder:
    """Records how the episode of each row ends.

    Args:
        environment: The environment, with B rows.
    """

    def __init__(self, environment: base.VectorEnvironment) -> None:
        rows = environment.batch_size
        self.outcomes = RowOutcomes(np.zeros(rows, bool), np.zeros(rows), np.zeros(rows, int))

    def observe(self, frame: episode_loop.Frame) -> None:
        """Adds a frame's reward, and takes the success of the rows that end."""
        success, total_reward, steps = self.outcomes
        is_ending = frame.is_ending
        self.outcomes = RowOutcomes(
            np.where(is_ending, frame.environment.success, success),
            total_reward + np.where(frame.is_active, frame.time_step.reward, 0.0),
            steps + (frame.is_active & ~is_ending),
        )


class ImageRecorder:
    """Renders every frame of some rows and passes the images on.

    Args:
        episodes: The number of the episode of each row that is rendered.
        on_image: Called with the number of the episode and an image, uint8 [H, W, 3].
    """

    def __init__(
        self, episodes: Mapping[int, int], on_image: Callable[[int, np.ndarray], None]
    ) -> None:
        self._episodes = episodes
        self._on_image = on_image

    def observe(self, frame: episode_loop.Frame) -> None:
        """Renders a frame."""
        for row, episode in self._episodes.items():
            if frame.is_active[row]:
                self._on_image(episode, frame.environment.render(row))


def record_episodes(
    environment: base.VectorEnvironment,
    actor: actors.Actor,
    seeds: Sequence[rollout_seeds.RolloutSeeds],
) -> list[tuple[episodes_lib.Episode, bool]]:
    """Runs one episode in each row, and returns the frames and the success of each.

    Args:
        environment: Environment of B rows.
        actor: Acts in all rows at once.
        seeds: Seeds of the B episodes.

    Raises:
        ValueError: If there is not one seed for each row.
    """
    frames, results = EpisodeRecorder(), OutcomeRecorder(environment)
    episode_loop.run_episodes(environment, actor, seeds, [frames, results])
    return list(zip(frames.episodes(), results.outcomes.success.tolist(), strict=True))


def _shift(values: np.ndarray, last: float) -> np.ndarray:
    """Returns values [L] moved one frame earlier, with `last` at the end."""
    return np.append(values[1:], np.asarray(last, values.dtype))
