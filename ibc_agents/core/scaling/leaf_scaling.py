"""Scaling of one leaf of an observation or action to float32 units, and back."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

# float32 represents every value of these dtypes.
_EXACT_IN_FLOAT32 = frozenset(
    {tf.bool, tf.half, tf.bfloat16, tf.float32, tf.int8, tf.uint8, tf.int16, tf.uint16}
)
# Differences of int64 values below this are exact and cannot overflow.
_LARGEST_INT64_DIFFERENCE = 2.0**62


class LeafScaling(tf.Module):
    """Maps the values x of a leaf to units u = (x − center) / scale, and back, by element.

    Values are centered in their own precision, and only u is float32. float32 itself resolves Unix
    times to 128 s and UTM northings to 0.5 m, so values of a narrow range far from zero would
    collapse if they were cast before they are centered.

    u is clipped to ±limit. A limit of 0 removes an element: its u is 0 for every value.
    """

    def __init__(self, dtype: tf.DType, center: np.ndarray, scale: np.ndarray, limit: np.ndarray):
        """Creates the scaling.

        Args:
            dtype: Dtype of the values.
            center: Float64, of the leaf's shape.
            scale: Float64, not negative, of the same shape.
            limit: Float64, largest magnitude of u, not negative, of the same shape.
        """
        super().__init__(name="LeafScaling")
        self._dtype = dtype
        working_dtype = tf.float32 if dtype in _EXACT_IN_FLOAT32 else tf.float64
        center_dtype = tf.int64 if dtype == tf.int64 else working_dtype
        self._center = tf.Variable(_convert(center, center_dtype), trainable=False)
        # TensorFlow flushes smaller numbers to zero.
        scale = np.maximum(scale, np.finfo(working_dtype.as_numpy_dtype).tiny)
        self._scale = tf.Variable(_convert(scale, working_dtype), trainable=False)
        self._limit = tf.Variable(_convert(limit, tf.float32), trainable=False)

    @property
    def removed_elements(self) -> list[int]:
        """The flat indices of the elements whose u is always 0."""
        return np.flatnonzero(self._limit.numpy() == 0).tolist()

    def to_units(self, values: tf.Tensor) -> tf.Tensor:
        """Returns u of values ``[…, *leaf]``, float32; NaN where a value is NaN or infinite."""
        values = tf.convert_to_tensor(values)
        units = tf.cast(self._centered(values) / self._scale, tf.float32)
        units = tf.clip_by_value(units, -self._limit, self._limit)
        if not values.dtype.is_floating:
            return units
        return tf.where(tf.math.is_finite(values), units, np.nan)

    def from_units(self, units: tf.Tensor) -> tf.Tensor:
        """Returns the values of units ``[…, *leaf]``, of the leaf's dtype; not for integers."""
        values = tf.cast(units, self._scale.dtype) * self._scale + self._center
        return tf.cast(values, self._dtype)

    def _centered(self, values: tf.Tensor) -> tf.Tensor:
        """Returns x − center in the dtype of the scale."""
        difference = tf.cast(values, self._center.dtype) - self._center
        working_dtype = self._scale.dtype
        if difference.dtype == working_dtype:
            return difference
        # Differences of integers are exact, unless they wrap around.
        rounded = tf.cast(values, working_dtype) - tf.cast(self._center, working_dtype)
        exact = tf.cast(difference, working_dtype)
        return tf.where(tf.abs(rounded) < _LARGEST_INT64_DIFFERENCE, exact, rounded)


def _convert(values: np.ndarray, dtype: tf.DType) -> np.ndarray:
    """Returns float64 values in a dtype; integers are rounded and saturated."""
    if dtype.is_integer:
        # The largest int64 is no float64; the float64 before it is 1023 smaller.
        return np.rint(np.clip(values, dtype.min, dtype.max - 1023)).astype(dtype.as_numpy_dtype)
    return np.asarray(values, dtype.as_numpy_dtype)
