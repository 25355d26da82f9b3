"""Checks of the values of frames: all are finite, and actions are within the spec's bounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory

from data.episodes import specs

# Relative to the larger bound. It admits float32 rounding of bounds on the way through a file.
BOUNDS_TOLERANCE = 1e-5


class Problem(NamedTuple):
    """Frames in which one leaf has unusable values.

    Attributes:
        row: Row of the first such frame, from 0.
        num_frames: Number of such frames.
        leaf: Path of the leaf.
        text: What is wrong and how to fix it, as a clause.
    """

    row: int
    num_frames: int
    leaf: str
    text: str


def find_problems(frames: trajectory.Trajectory, spec: trajectory.Trajectory) -> Iterator[Problem]:
    """Yields the unusable values of every leaf of observation, action and discount.

    Actions of step type LAST were never executed, so these and their discounts may have any value.

    Args:
        frames: Trajectory of arrays [n, …].
        spec: Trajectory of `tf.TensorSpec` of one frame.
    """
    executed = frames.step_type != ts.StepType.LAST
    for part in ("observation", "action", "discount"):
        rows = np.ones_like(executed) if part == "observation" else executed
        leaves = specs.named_leaves({part: getattr(spec, part)})
        for (name, leaf), values in zip(leaves, tf.nest.flatten(getattr(frames, part))):
            used = rows.reshape((-1,) + (1,) * (values.ndim - 1))
            if np.issubdtype(values.dtype, np.floating):
                bad = used & ~np.isfinite(values)
                if bad.any():
                    yield _problem(name, bad, "is NaN or infinite; remove or fix that episode")
            limits = _limits(part, leaf)
            if limits is not None:
                yield from _outside_limits(name, values, *limits, used)


def _limits(part: str, leaf: tf.TypeSpec) -> tuple[np.ndarray, np.ndarray] | None:
    """Returns the lowest and highest valid value of each element; None if all are valid."""
    if part == "discount":
        return np.zeros(leaf.shape), np.ones(leaf.shape)
    return specs.bounds(leaf) if part == "action" else None


def _outside_limits(
    name: str, values: np.ndarray, low: np.ndarray, high: np.ndarray, used: np.ndarray
) -> Iterator[Problem]:
    sizes = [np.where(np.isfinite(limit), np.abs(limit), 0.0) for limit in (low, high)]
    slack = BOUNDS_TOLERANCE * np.maximum(*sizes)  # An absent bound, infinity, gives no slack.
    bad = used & ((values < low - slack) | (values > high + slack))
    if bad.any():
        row = int(np.argmax(bad.reshape(len(bad), -1).any(axis=1)))
        where = np.unravel_index(int(np.argmax(bad[row])), bad[row].shape)
        yield _problem(
            name, bad,
            f"is outside its bounds ({values[row][where]:.6g} in element {list(map(int, where))}, "
            f"allowed {low[where]:.6g} to {high[where]:.6g}); fix the value or the spec",
        )  # fmt: skip


def _problem(name: str, bad: np.ndarray, text: str) -> Problem:
    rows = bad.reshape(len(bad), -1).any(axis=1)
    return Problem(int(np.argmax(rows)), int(rows.sum()), name, text)
