"""Episodes from the columns that other libraries record."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory

from data.episodes import Episode


def episode_from_transitions(
    observation: Any, action: Any, reward: np.ndarray, terminal: bool
) -> Episode:
    """Returns an episode of N actions from the columns that most libraries record.

    An observation after the last action becomes a closing frame of step type LAST, whose action
    (zeros) was never executed. Without it the episode has no LAST frame, and all its N actions can
    be learned.

    Args:
        observation: Nest of arrays [N, …] or [N + 1, …].
        action: Nest of arrays [N, …].
        reward: [N].
        terminal: Whether the last action ended the task, rather than a time limit. Its discount is
            then 0; all other discounts are 1.

    Raises:
        DataError: If there is no action, or the columns have different lengths.
    """
    reward = np.asarray(reward, np.float32).reshape(-1)
    discount = np.ones_like(reward)
    discount[-1:] = 0.0 if terminal else 1.0
    frames = len(tf.nest.flatten(observation)[0])
    closed = frames == len(reward) + 1
    if closed:
        action, reward = tf.nest.map_structure(_append_zeros, (action, reward))
        discount = np.append(discount, np.float32(1.0))
    return episode_from_frames(observation, action, reward, discount, closed)


def episode_from_frames(
    observation: Any, action: Any, reward: np.ndarray, discount: np.ndarray, closed: bool
) -> Episode:
    """Returns an episode of L frames.

    Args:
        observation: Nest of arrays [L, …].
        action: Nest of arrays [L, …].
        reward: [L].
        discount: [L].
        closed: Whether the action of the last frame was never executed (step type LAST).

    Raises:
        DataError: If there is no frame, or the columns have different lengths.
    """
    step_type = np.full(len(reward), ts.StepType.MID, np.int32)
    step_type[-1:] = ts.StepType.LAST if closed else ts.StepType.MID
    step_type[:1] = ts.StepType.FIRST
    after = ts.StepType.FIRST if closed else ts.StepType.LAST
    frames = trajectory.Trajectory(
        step_type=step_type,
        observation=tf.nest.map_structure(np.asarray, observation),
        action=tf.nest.map_structure(np.asarray, action),
        policy_info=(),
        next_step_type=np.append(step_type[1:], after).astype(np.int32),
        reward=np.asarray(reward, np.float32),
        discount=np.asarray(discount, np.float32),
    )
    return Episode(frames)


def _append_zeros(leaf: np.ndarray) -> np.ndarray:
    return np.concatenate([leaf, np.zeros_like(leaf[:1])])
