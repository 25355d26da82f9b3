"""Values that no training can use: not finite, or actions outside the spec's bounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory

from data.episodes import specs

# Relative to the larger bound: float32 rounding on the way through a file is no error.
BOUNDS_TOLERANCE = 1e-5


class Problem(NamedTuple):
    """Frames of which one leaf cannot be used.

    Attributes:
        row: the first such frame's row, from 0.
        num_frames: number of such frames.
        leaf: path of the leaf.
        text: what is wrong there and how to mend it, as a clause.
    """

    row: int
    num_frames: int
    leaf: str
    text: str


def find_problems(frames: trajectory.Trajectory, spec: trajectory.Trajectory) -> Iterator[Problem]:
    """Yields, for every leaf of observation and action, the frames that cannot be used.

    Bounds are checked for actions of frames that are not LAST: those are the executed ones.

    Args:
        frames: Trajectory of arrays [n, ...].
        spec: Trajectory of `tf.TensorSpec` of one frame.
    """
    for part in ("observation", "action"):
        leaves = specs.named_leaves({part: getattr(spec, part)})
        for (name, leaf), values in zip(leaves, tf.nest.flatten(getattr(frames, part))):
            if np.issubdtype(values.dtype, np.floating):
                bad = ~np.isfinite(values)
                if bad.any():
                    yield _problem(name, bad, "is NaN or infinite; remove or mend that episode")
            if part == "action":
                executed = frames.step_type != ts.StepType.LAST
                yield from _outside_bounds(name, values, leaf, executed)


def _outside_bounds(
    name: str, values: np.ndarray, leaf: Any, executed: np.ndarray
) -> Iterator[Problem]:
    limits = specs.bounds(leaf)
    if limits is None:
        return
    low, high = limits
    slack = BOUNDS_TOLERANCE * np.maximum(np.abs(low), np.abs(high))
    bad = (values < low - slack) | (values > high + slack)
    bad &= executed.reshape((-1,) + (1,) * (bad.ndim - 1))
    if bad.any():
        row = int(np.argmax(bad.reshape(len(bad), -1).any(axis=1)))
        where = np.unravel_index(int(np.argmax(bad[row])), bad[row].shape)
        yield _problem(
            name, bad,
            f"is outside its bounds ({values[row][where]:.6g} in element {list(map(int, where))}, "
            f"allowed {low[where]:.6g} to {high[where]:.6g}); mend the action or the spec",
        )  # fmt: skip


def _problem(name: str, bad: np.ndarray, text: str) -> Problem:
    rows = bad.reshape(len(bad), -1).any(axis=1)
    return Problem(int(np.argmax(rows)), int(rows.sum()), name, text)
