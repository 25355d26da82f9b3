"""The check every action passes before it reaches a simulation."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from tf_agents.specs import array_spec
from tf_agents.utils import nest_utils

# Excess over a bound, as a share of the range's width, that is taken for rounding: mapping an
# action from [-1, 1] to physical units in float32 is wrong by some 1e-7 of the width.
ROUNDING_TOLERANCE = 1e-5


def check_action(
    action: Any,
    action_spec: Any,
    batch_size: int | None = None,
    rows: np.ndarray | None = None,
) -> Any:
    """Returns `action` as new arrays inside the bounds of its spec.

    Args:
        action: A nest of arrays that should match `action_spec`, with a leading batch dimension
            where `batch_size` is given.
        action_spec: A nest of `ArraySpec`, bounded or not.
        batch_size: Number of rows, or None for one action without batch dimension.
        rows: bool [B], the rows whose values count; the others are not looked at (their
            environments reset and ignore the action). None: all rows.

    Returns:
        The nest of arrays; values beyond a bound by no more than `ROUNDING_TOLERANCE` of the
        range's width are set to the bound.

    Raises:
        ValueError: If the structure, a shape or a dtype differs from the spec, or a value is not
            finite or out of range; the message names the leaf and what is wrong.
    """
    try:
        tf.nest.assert_same_structure(action_spec, action)
    except (TypeError, ValueError) as error:
        raise ValueError(f"action has the wrong structure: {error}") from None
    checked = []
    for value, spec in zip(tf.nest.flatten(action), tf.nest.flatten(action_spec), strict=True):
        try:
            checked.append(_check_leaf(np.asarray(value), spec, batch_size, rows))
        except ValueError as error:
            # The names are put together only here: this runs at every step.
            path, _ = nest_utils.flatten_with_joined_paths(action_spec)[len(checked)]
            raise ValueError(" ".join(filter(None, ["action", path, str(error)]))) from None
    return tf.nest.pack_sequence_as(action_spec, checked)


def _check_leaf(
    value: np.ndarray,
    spec: array_spec.ArraySpec,
    batch_size: int | None,
    rows: np.ndarray | None,
) -> np.ndarray:
    """`check_action` for one array; the message has everything but the name."""
    shape = tuple(spec.shape) if batch_size is None else (batch_size, *spec.shape)
    if value.shape != shape:
        raise ValueError(f"has shape {list(value.shape)}, expected {list(shape)}")
    if value.dtype != spec.dtype:
        raise ValueError(f"has dtype {value.dtype}, expected {np.dtype(spec.dtype)}")
    counted = value if rows is None else value[rows]
    if not np.all(np.isfinite(counted)):
        raise ValueError(f"is not finite: {counted}")
    if not isinstance(spec, array_spec.BoundedArraySpec):
        return value.copy()
    low, high = (np.asarray(bound, np.float64) for bound in (spec.minimum, spec.maximum))
    tolerance = ROUNDING_TOLERANCE * (high - low)
    if np.any(counted < low - tolerance) or np.any(counted > high + tolerance):
        raise ValueError(f"is out of range [{spec.minimum}, {spec.maximum}]: {counted}")
    return np.clip(value, spec.minimum, spec.maximum)
