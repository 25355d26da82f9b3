"""Specs of a frame: a Trajectory of `tf.TensorSpec`."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import trajectory
from tf_agents.utils import nest_utils

from data.errors import DataError

# What a record can store.
STORABLE_DTYPES = (
    tf.half, tf.float32, tf.float64, tf.uint8, tf.int8, tf.uint16, tf.int16, tf.int32, tf.int64,
)  # fmt: skip
_LARGEST = float(np.finfo(np.float32).max)

# Far above any real frame. Damaged specs claim more than a machine has.
_MAX_FRAME_BYTES = 1 << 28
_MAX_RANK = 16

# Gray, color, and color with opacity or depth.
_CHANNELS = (1, 3, 4)


def is_image(spec: tf.TypeSpec) -> bool:
    """Returns whether a leaf is an image: uint8 of rank 3."""
    return spec.dtype == tf.uint8 and len(spec.shape) == 3


def image_axes(spec: tf.TypeSpec) -> str | None:
    """Returns the order of the axes of an image, "HWC" or "CHW"; None if its shape shows neither.

    The last axis has the channels if it is 1, 3 or 4, or at most half as long as the others. The
    first axis has them if it is 1, 3 or 4 and the last is not.

    Examples:
        >>> shapes = [48, 64, 3], [3, 48, 64], [9, 84, 84]
        >>> [image_axes(tf.TensorSpec(shape, tf.uint8)) for shape in shapes]
        ['HWC', 'CHW', None]
    """
    first, second, last = spec.shape
    if last in _CHANNELS or 2 * last <= min(first, second):
        return "HWC"
    return "CHW" if first in _CHANNELS else None


def channels_last(images: np.ndarray, spec: tf.TypeSpec) -> np.ndarray:
    """Returns images […, H, W, C] whose channels are first if the shape of a frame shows it."""
    return np.moveaxis(images, -3, -1) if image_axes(spec) == "CHW" else images


def has_images(spec: trajectory.Trajectory) -> bool:
    """Returns whether any leaf of a frame is an image."""
    return any(is_image(leaf) for leaf in tf.nest.flatten(spec))


def named_leaves(nest: Any) -> list[tuple[str, Any]]:
    """Returns the leaves of a nest in nest order, each with its path.

    Examples:
        >>> named_leaves({"observation": {"position": 1, "velocity": 2}})
        [('observation/position', 1), ('observation/velocity', 2)]
    """
    return nest_utils.flatten_with_joined_paths(nest)


def frame_bytes(spec: trajectory.Trajectory) -> int:
    """Returns the memory of one decoded frame, in bytes."""
    return sum(leaf.shape.num_elements() * leaf.dtype.size for leaf in tf.nest.flatten(spec))


def as_trajectory_spec(spec: Any) -> trajectory.Trajectory:
    """Returns a checked copy of a spec, with every leaf a `tf.TensorSpec`.

    Lists become tuples, because `tf.data` takes a list for a tensor.

    Args:
        spec: Trajectory (or a named tuple of the same fields) of array specs or tensor specs of
            one frame.

    Raises:
        DataError: If it is not a Trajectory, its step types are not integer scalars, it has no
            observation or no action, or a leaf cannot be stored or has invalid bounds. The message
            is a clause.
    """
    if not isinstance(spec, tuple) or getattr(spec, "_fields", ()) != trajectory.Trajectory._fields:
        raise DataError(f"the spec is a {type(spec).__name__}, not a Trajectory")
    spec = trajectory.Trajectory(*_without_lists(tensor_spec.from_spec(tuple(spec))))
    for name, leaf in named_leaves(spec):
        _check_leaf(f"the spec's leaf {name}", leaf)
    if frame_bytes(spec) > _MAX_FRAME_BYTES:
        raise DataError(
            f"the spec describes frames of {frame_bytes(spec)} bytes, more than {_MAX_FRAME_BYTES}"
        )
    for name in ("step_type", "next_step_type"):
        leaf = getattr(spec, name)
        if not isinstance(leaf, tf.TensorSpec) or leaf.shape.rank != 0 or not leaf.dtype.is_integer:
            raise DataError(f"the spec's {name} is not an integer scalar")
    for name in ("observation", "action"):
        if not tf.nest.flatten(getattr(spec, name)):
            raise DataError(f"the spec has no {name}")
    names = [name for name, _ in named_leaves(spec)]
    if len(set(names)) < len(names):
        raise DataError("the spec has two leaves of one path")
    check_bounds(spec)
    return spec


def _without_lists(nest: Any) -> Any:
    """Returns a nest with tuples in place of lists."""
    if isinstance(nest, dict):
        return type(nest)((key, _without_lists(value)) for key, value in nest.items())
    if isinstance(nest, (list, tuple)):
        values = [_without_lists(value) for value in nest]
        return type(nest)(*values) if hasattr(nest, "_fields") else tuple(values)
    return nest


def _check_leaf(name: str, leaf: tf.TypeSpec) -> None:
    if leaf.dtype not in STORABLE_DTYPES:
        raise DataError(f"{name} has dtype {leaf.dtype.name}, which cannot be stored")
    if not leaf.shape.is_fully_defined() or 0 in leaf.shape:
        raise DataError(f"{name} has shape {leaf.shape}, which is not fixed")
    if leaf.shape.rank > _MAX_RANK:
        raise DataError(f"{name} has {leaf.shape.rank} dimensions, more than {_MAX_RANK}")


def bounds(spec: tf.TypeSpec) -> tuple[np.ndarray, np.ndarray] | None:
    """Returns the lower and upper bounds of a leaf, float64 of its shape; None if unbounded."""
    if not isinstance(spec, tensor_spec.BoundedTensorSpec):
        return None
    shape = spec.shape.as_list()
    low = np.broadcast_to(np.asarray(spec.minimum, np.float64), shape)
    high = np.broadcast_to(np.asarray(spec.maximum, np.float64), shape)
    return low, high


def check_bounds(spec: Any) -> None:
    """Checks the bounds of the leaves of a nest of specs.

    A bound is a number that float32 can represent. A missing bound is infinite, or the largest
    number of float32 or of the leaf's dtype, which other libraries write instead.

    Args:
        spec: Nest of tensor specs.

    Raises:
        DataError: If a bound is NaN or too large, or a lower bound exceeds the upper bound. The
            message is a clause.
    """
    for name, leaf in named_leaves(spec):
        limits = bounds(leaf)
        if limits is None:
            continue
        low, high = limits
        missing = [np.inf, _LARGEST, leaf.dtype.max]
        bad_low = ~(np.abs(low) < _LARGEST) & ~np.isin(-low, missing)
        bad_high = ~(np.abs(high) < _LARGEST) & ~np.isin(high, missing)
        bad = bad_low | bad_high | (low > high)
        if bad.any():
            element = tuple(int(k) for k in np.argwhere(bad)[0])
            raise DataError(
                f"the bounds of {name}{list(element) if element else ''} are {low[element]:g} and "
                f"{high[element]:g}; a bound must be a finite float32, or -inf or inf if there is "
                "none, and the lower bound must not exceed the upper one"
            )


def difference(ours: trajectory.Trajectory, theirs: trajectory.Trajectory) -> str | None:
    """Describes the first leaf in which two specs differ; returns None if they agree.

    Shapes, dtypes and bounds count. Names do not.
    """
    left, right = dict(named_leaves(ours)), dict(named_leaves(theirs))
    for name in sorted(left.keys() ^ right.keys()):
        return f"only one of them has the leaf {name}"
    for name, leaf in left.items():
        other = right[name]
        if leaf.shape != other.shape:
            return f"{name} has shape {leaf.shape} against {other.shape}"
        if leaf.dtype != other.dtype:
            return f"{name} has dtype {leaf.dtype} against {other.dtype}"
        if not _same_bounds(bounds(leaf), bounds(other)):
            return f"{name} has different bounds"
    return None


def _same_bounds(left: Any, right: Any) -> bool:
    if left is None or right is None:
        return left is right
    return all(np.array_equal(a, b) for a, b in zip(left, right))
