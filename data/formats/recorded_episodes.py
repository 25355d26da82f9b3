"""Episodes from the columns that other libraries record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory

from data.episodes import Episode
from data.errors import DataError

# dtypes that shards do not store, and the one that holds all of their values.
_WIDER = {
    np.dtype(narrow): np.dtype(wide)
    for narrow, wide in (
        (np.bool_, np.uint8),
        (np.uint32, np.int64),
        (np.uint64, np.int64),
        (np.longdouble, np.float64),
    )
}


def build_episodes(
    source: str,
    records: Iterable[tuple[str, dict[str, Any]] | None],
    build: Callable[..., Episode],
) -> Iterator[Episode | None]:
    """Yields the episodes of what a parser yields.

    Args:
        source: The file or folder, for messages.
        records: The name of each episode and the arguments of `build`; None for one without an
            executed action.
        build: `episode_from_transitions` or `episode_from_frames`.

    Raises:
        DataError: If an episode cannot be used. The message names it.
    """
    for record in records:
        if record is None:
            yield None
            continue
        name, columns = record
        try:
            episode = build(**columns)
        except DataError as error:
            raise DataError(f"{source}: {name}: {error}") from error
        yield episode


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
    observation, action = _storable(observation, "observation"), _storable(action, "action")
    reward = np.asarray(reward, np.float32).reshape(-1)
    discount = np.ones_like(reward)
    discount[-1:] = 0.0 if terminal else 1.0
    num_actions = len(tf.nest.flatten(action)[0])
    closed = all(len(leaf) == num_actions + 1 for leaf in tf.nest.flatten(observation))
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
        observation=_storable(observation, "observation"),
        action=_storable(action, "action"),
        policy_info=(),
        next_step_type=np.append(step_type[1:], after).astype(np.int32),
        reward=np.asarray(reward, np.float32).reshape(-1),
        discount=np.asarray(discount, np.float32).reshape(-1),
    )
    return Episode(frames)


def _storable(nest: Any, part: str) -> Any:
    """Returns a nest of columns with dtypes that shards store and the machine's byte order.

    Booleans become uint8, uint32 and uint64 int64, extended precision float64. Others stay.
    """
    if not tf.nest.flatten(nest):
        raise DataError(f"it has no {part}.")
    return tf.nest.map_structure(_storable_column, nest)


def _storable_column(values: Any) -> np.ndarray:
    values = np.asarray(values)
    if not values.ndim:
        raise DataError("a column is a single value; one row a step is needed.")
    if values.dtype == np.uint64 and values.max(initial=0) > np.iinfo(np.int64).max:
        raise DataError(f"a column has the value {values.max()}, above the range of int64.")
    native = values.dtype.newbyteorder("=")
    return values.astype(_WIDER.get(native, native), copy=False)


def _append_zeros(leaf: np.ndarray) -> np.ndarray:
    return np.concatenate([leaf, np.zeros_like(leaf[:1])])
