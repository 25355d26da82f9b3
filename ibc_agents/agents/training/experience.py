"""Checks and repairs windows of experience."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory
from tf_agents.utils import nest_utils

from ibc_agents.core import windows


def check_experience(experience: Any, spec: trajectory.Trajectory, window: int) -> None:
    """Checks experience against the spec of one frame.

    Args:
        experience: Output of a replay buffer, leaves ``[B, T, …]``.
        spec: `training_data_spec`, leaves ``[…]``.
        window: T.

    Raises:
        ValueError: If leaves are missing, unexpected, or have a different dtype, shape or batch
            size. The message names all of them.
    """
    wanted, given = _leaves(spec), _leaves(experience)
    # B is that of the first leaf, the step types; None in a graph for any batch size.
    batch_size = next((leaf.shape[0] for leaf in given.values() if leaf.shape.rank), None)
    problems = [f"{path} is missing" for path in wanted if path not in given]
    problems += [f"{path} is not expected" for path in given if path not in wanted]
    for path, leaf in wanted.items():
        value = given.get(path)
        if value is None:
            continue
        expected = tf.TensorShape([None, window]).concatenate(leaf.shape)
        if value.dtype != leaf.dtype or not expected.is_compatible_with(value.shape):
            problems.append(
                f"{path} should be {leaf.dtype.name} {expected}, "
                f"is {value.dtype.name} {value.shape}"
            )
        elif not value.shape[:1].is_compatible_with([batch_size]):
            problems.append(f"{path} has batch size {value.shape[0]} instead of {batch_size}")
    if problems:
        raise ValueError(
            "The experience does not fit the agent's training_data_spec ([B, T, …] with "
            f"T = {window}): " + "; ".join(problems) + "."
        )


def check_weights(weights: tf.Tensor, batch_size: int | None) -> None:
    """Checks the weights of a batch of experience.

    Args:
        weights: One for each window, ``[B]``, or one for all.
        batch_size: B, or None for any batch size.

    Raises:
        ValueError: If they are no real numbers, or have another shape.
    """
    is_real = weights.dtype.is_floating or weights.dtype.is_integer
    scalar_or_batch = tf.TensorShape([batch_size][: weights.shape.rank])
    if not is_real or not scalar_or_batch.is_compatible_with(weights.shape):
        raise ValueError(
            f"weights should be real numbers [{batch_size or 'B'}], one for each window, or a "
            f"scalar; got {weights.dtype.name} {weights.shape}."
        )


def repair_window(experience: trajectory.Trajectory) -> tuple[Any, tf.Tensor]:
    """Pads windows that cross episodes, as replay buffers may return them.

    Frames before the newest FIRST belong to an earlier episode: the FIRST frame replaces them, as
    the policy's own memory does at run time. A window that ends in a LAST frame has an action that
    was never executed.

    Args:
        experience: Leaves ``[B, T, …]``.

    Returns:
        The observations, a nest of ``[B, T, …]``, and whether each window's newest action was
        executed, float32 ``[B]``, 0 or 1.
    """
    step_type = experience.step_type
    executed = tf.cast(step_type[:, -1] != ts.StepType.LAST, tf.float32)
    if step_type.shape[1] == 1:
        return experience.observation, executed
    frames = windows.repaired_indices(step_type)
    observation = tf.nest.map_structure(
        lambda leaf: tf.gather(leaf, frames, batch_dims=1), experience.observation
    )
    return observation, executed


def _leaves(nest: Any) -> dict[str, Any]:
    return {
        path: leaf if isinstance(leaf, tf.TypeSpec) else tf.convert_to_tensor(leaf)
        for path, leaf in nest_utils.flatten_with_joined_paths(nest)
    }
