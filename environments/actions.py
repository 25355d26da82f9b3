"""Validation of actions against an action spec."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from tf_agents.specs import array_spec
from tf_agents.utils import nest_utils

# Allowed excess over a bound, as a fraction of the range. Mapping an action from [-1, 1] to
# physical units in float32 has a rounding error of about 1e-7 of the range.
ROUNDING_TOLERANCE = 1e-5


def check_action(
    action: Any,
    action_spec: Any,
    batch_size: int | None = None,
    rows: np.ndarray | None = None,
) -> Any:
    """Validates an action and returns a copy clipped to the bounds of its spec.

    Args:
        action: Nest of arrays with the structure of `action_spec`. The arrays have a leading batch
            dimension if `batch_size` is given.
        action_spec: Nest of `ArraySpec` or `BoundedArraySpec`.
        batch_size: Number of rows B, or None for a single action without a batch dimension.
        rows: Bool [B], the rows whose values are checked. The other rows reset and ignore their
            actions. None checks all rows.

    Returns:
        The nest of arrays. Values beyond a bound by at most `ROUNDING_TOLERANCE` of the range are
        set to the bound.

    Raises:
        ValueError: If the structure, a shape or a dtype differs from the spec, or if a value is not
            finite or out of range. The message names the array and the violation.

    Examples:
        >>> spec = array_spec.BoundedArraySpec((2,), np.float32, -1.0, 1.0)
        >>> check_action(np.array([0.5, 1.000001], np.float32), spec)
        array([0.5, 1. ], dtype=float32)
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
            # Paths are computed only on failure, because this function runs at every step.
            path, _ = nest_utils.flatten_with_joined_paths(action_spec)[len(checked)]
            raise ValueError(" ".join(filter(None, ["action", path, str(error)]))) from None
    return tf.nest.pack_sequence_as(action_spec, checked)


def _check_leaf(
    value: np.ndarray,
    spec: array_spec.ArraySpec,
    batch_size: int | None,
    rows: np.ndarray | None,
) -> np.ndarray:
    """Checks one array as `check_action` does, with messages that omit the array's name."""
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
