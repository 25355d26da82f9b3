"""Mean, standard deviation and range of every element, in one exact pass over the data."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory

from data.episodes import specs
from data.episodes.episode import Episode
from data.errors import DataError

# Distance of two neighboring numbers relative to them, at most, by dtype.
_SPACING = {tf.half: 2.0**-10, tf.bfloat16: 2.0**-7, tf.float32: 2.0**-23, tf.float64: 2.0**-52}
_NO_NUMBERS = frozenset("cmMOSU")  # kinds of NumPy dtypes
# A constant that was computed in different ways has values a few neighbors apart.
_NEIGHBORS_OF_A_CONSTANT = 4


@dataclasses.dataclass(frozen=True)
class LeafStatistics:
    """Statistics of every element of one leaf over `count` frames.

    Attributes:
        count: Number of frames.
        mean: Mean, float64 of the leaf's shape.
        std: Population standard deviation, float64 of the leaf's shape; exactly 0 for a constant.
        minimum: Smallest value, float64 of the leaf's shape.
        maximum: Largest value, float64 of the leaf's shape.
    """

    count: int
    mean: np.ndarray
    std: np.ndarray
    minimum: np.ndarray
    maximum: np.ndarray

    def is_constant(self, dtype: tf.DType) -> np.ndarray:
        """Returns which elements do not vary, up to the rounding of their dtype, bool.

        An integer element varies if it has two values. The values of a floating-point element may
        differ by a few units in the last place; the threshold is relative, so that it holds in any
        unit.

        Args:
            dtype: Dtype of the leaf.
        """
        if dtype not in _SPACING:
            return self.std == 0
        magnitude = np.maximum(np.abs(self.minimum), np.abs(self.maximum))
        rounding = _NEIGHBORS_OF_A_CONSTANT * _SPACING[dtype] * magnitude
        return self.maximum - self.minimum <= rounding


@dataclasses.dataclass(frozen=True)
class Statistics:
    """Statistics of a dataset.

    Attributes:
        observation: Nest of `LeafStatistics` (a leaf to `tf.nest`); None for images.
        action: Nest of `LeafStatistics`, over the frames whose action was executed.
    """

    observation: Any
    action: Any


def compute_statistics(trajectories: Iterable[Any], spec: trajectory.Trajectory) -> Statistics:
    """Computes statistics in one pass, with float64 sums.

    Every frame counts as often as it occurs: overlapping windows count their frames repeatedly.

    Args:
        trajectories: A finite iterable, such as a `tf.data.Dataset`, of Trajectories of arrays or
            tensors [..., *leaf] with any leading dimensions, of `(Trajectory, info)` pairs, or of
            Episodes.
        spec: Trajectory of specs of one frame.

    Raises:
        DataError: If a value is NaN or infinite, or no frame has an executed action.
    """
    observation = [_accumulator(name, leaf) for name, leaf in _leaves("observation", spec)]
    action = [_accumulator(name, leaf) for name, leaf in _leaves("action", spec)]
    for element in trajectories:
        frames = _frames(element)
        executed = np.asarray(frames.step_type).reshape(-1) != ts.StepType.LAST
        for accumulator, values in zip(observation, tf.nest.flatten(frames.observation)):
            if accumulator:
                accumulator.add(accumulator.rows(values, len(executed)))
        for accumulator, values in zip(action, tf.nest.flatten(frames.action)):
            if accumulator:
                accumulator.add(accumulator.rows(values, len(executed))[executed])
    return Statistics(
        tf.nest.pack_sequence_as(spec.observation, [a and a.result() for a in observation]),
        tf.nest.pack_sequence_as(spec.action, [a and a.result() for a in action]),
    )


class LeafAccumulator:
    """Running statistics of one leaf, which merge chunks of frames.

    Values are taken relative to the first one, so that a constant has a standard deviation of
    exactly 0 and itself as its mean.

    Args:
        name: Path of the leaf, for messages.
        shape: Shape of one frame's value.

    References:
        Chan, Golub and LeVeque, "Algorithms for Computing the Sample Variance", 1983, eq. 1.5.
        https://doi.org/10.1080/00031305.1983.10483115
    """

    def __init__(self, name: str, shape: tuple[int, ...]) -> None:
        self._name = name
        self._shape = shape
        self._count = 0
        self._origin = np.zeros(shape)
        self._mean = np.zeros(shape)
        self._squares = np.zeros(shape)
        self._minimum = np.full(shape, np.inf)
        self._maximum = np.full(shape, -np.inf)

    def rows(self, values: Any, num_frames: int | None = None) -> np.ndarray:
        """Returns values [..., *shape] as [n, *shape], float64 or int64.

        Args:
            values: An array or tensor.
            num_frames: Expected n; None for any.

        Raises:
            DataError: If the values are no numbers or have another shape.
        """
        array = np.asarray(values)
        leading = array.ndim - len(self._shape)
        if leading < 0 or array.shape[leading:] != self._shape or array.dtype.kind in _NO_NUMBERS:
            expected = ", ".join(["...", *map(str, self._shape)])
            raise DataError(
                f"{self._name} has values of dtype {array.dtype} and shape {array.shape}; expected "
                f"real numbers of shape [{expected}]. Correct the data or the spec."
            )
        rows = array.reshape((-1, *self._shape))
        if num_frames is not None and len(rows) != num_frames:
            raise DataError(
                f"{self._name} has {len(rows)} frames and step_type has {num_frames}; correct the "
                "data."
            )
        # float64 does not represent every int64.
        return rows if rows.dtype == np.int64 else rows.astype(np.float64)

    def add(self, rows: np.ndarray) -> None:
        """Merges the values of some frames.

        Args:
            rows: Float64 or int64 [n, *shape].

        Raises:
            DataError: If a value is NaN or infinite.
        """
        if not len(rows):
            return
        if not np.isfinite(rows).all():
            raise DataError(f"{self._name} is NaN or infinite; remove or fix that episode.")
        if not self._count:
            self._origin = rows[0].copy()
        shifted = _difference(rows, self._origin)
        total = self._count + len(rows)
        with np.errstate(over="ignore", invalid="ignore"):  # `result` refuses an overflow
            mean = shifted.mean(axis=0)
            squares = np.square(shifted - mean).sum(axis=0)
            delta = mean - self._mean
            self._mean += delta * (len(rows) / total)
            self._squares += squares + np.square(delta) * (self._count * len(rows) / total)
        self._minimum = np.minimum(self._minimum, rows.min(axis=0))
        self._maximum = np.maximum(self._maximum, rows.max(axis=0))
        self._count = total

    def result(self) -> LeafStatistics:
        """Returns the statistics so far.

        Raises:
            DataError: If there was no row, or the values are too large for a standard deviation.
        """
        if not self._count:
            raise DataError(
                f"{self._name} has no frame to compute statistics of; the dataset is empty."
            )
        if not np.isfinite(self._squares).all():
            raise DataError(
                f"{self._name} has values of {self._minimum.min():g} to {self._maximum.max():g}, "
                "whose standard deviation exceeds float64; remove or fix these episodes."
            )
        std = np.sqrt(self._squares / self._count)
        mean = self._origin + self._mean
        return LeafStatistics(self._count, mean, std, self._minimum, self._maximum)


def _difference(rows: np.ndarray, origin: np.ndarray) -> np.ndarray:
    """Returns rows − origin in float64; of integers, the exact difference if it is an int64."""
    rounded = np.asarray(rows, np.float64) - origin
    if rows.dtype != np.int64:
        return rounded
    return np.where(np.abs(rounded) < 2.0**62, rows - origin, rounded)


def _leaves(part: str, spec: trajectory.Trajectory) -> list[tuple[str, tf.TypeSpec]]:
    return specs.named_leaves({part: getattr(spec, part)})


def _accumulator(name: str, leaf: tf.TypeSpec) -> LeafAccumulator | None:
    return None if specs.is_image(leaf) else LeafAccumulator(name, tuple(leaf.shape))


def _frames(element: Any) -> trajectory.Trajectory:
    if isinstance(element, Episode):
        return element.frames
    return element if isinstance(element, trajectory.Trajectory) else element[0]
