"""Episodes from the columns that other libraries record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory

from data.episodes import Episode
from data.errors import DataError


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


def select_keys(observation: Mapping[str, Any], keys: Sequence[str] | None, source: str) -> Any:
    """Returns the requested parts of an observation.

    Args:
        observation: The observation, usually a dictionary.
        keys: Names of the parts, or None for the whole observation.
        source: The file or folder, for messages.

    Raises:
        DataError: If a part is missing.

    Examples:
        >>> select_keys({"position": 1, "image": 2}, ["position"], "demo.hdf5")
        {'position': 1}
    """
    if keys is None:
        return observation
    known = observation if isinstance(observation, Mapping) else {}
    for key in keys:
        if key not in known:
            raise DataError(
                f"{source}: the observation has no part {key!r}; "
                f"its parts are: {', '.join(sorted(known)) or 'none, it is a single array'}."
            )
    return {key: known[key] for key in keys}


def _append_zeros(leaf: np.ndarray) -> np.ndarray:
    return np.concatenate([leaf, np.zeros_like(leaf[:1])])
