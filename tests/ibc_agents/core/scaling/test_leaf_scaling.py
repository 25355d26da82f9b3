"""Scaling of a leaf in its own precision."""

import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st

from ibc_agents.core.scaling import leaf_scaling
from tests.ibc_agents import helpers

UNIX_TIME = 1_732_900_000
FLOATS = (tf.half, tf.bfloat16, tf.float32, tf.float64)


def make(dtype, center, scale, limit=np.inf):
    shape = np.shape(center)
    return leaf_scaling.LeafScaling(
        dtype, *(np.broadcast_to(np.float64(part), shape) for part in (center, scale, limit))
    )


@pytest.mark.parametrize("dtype", [tf.float64, tf.int32, tf.int64])
def test_values_are_centered_before_they_lose_their_differences(dtype):
    values = tf.cast(UNIX_TIME + np.arange(51), dtype)
    units = make(dtype, UNIX_TIME + 25, 5).to_units(values)
    assert units.dtype == tf.float32
    np.testing.assert_array_equal(units, np.float32(np.arange(-25, 26) / 5))


def test_int64_values_beyond_float64_are_exact():
    """Nanoseconds since 1970: neighboring float64 values are 256 ns apart."""
    center = UNIX_TIME * 10**9
    values = np.int64(center) + np.arange(-3, 4)
    units = make(tf.int64, float(center), 1).to_units(values)
    np.testing.assert_array_equal(units, np.arange(-3, 4) + (center - int(float(center))))


@pytest.mark.parametrize("center", [-5.0, 0.0, 5.0, float(2**63)])
def test_differences_of_int64_values_do_not_wrap_around(center):
    ends = np.array([-(2**63), 2**63 - 1])
    units = make(tf.int64, center, 1e18).to_units(tf.constant(ends)).numpy()
    np.testing.assert_allclose(units, (ends.astype(np.float64) - center) / 1e18, 1e-6, 1e-14)


@pytest.mark.parametrize("dtype", FLOATS)
def test_huge_values_reach_the_limit_and_values_that_are_no_numbers_become_nan(dtype):
    huge = float(dtype.max)
    values = tf.constant([huge, -huge, np.nan, np.inf, -np.inf, 0.0], dtype)
    # A limit below the largest half divided by the scale.
    units = make(dtype, 0.0, 0.5, limit=100.0).to_units(values)
    np.testing.assert_array_equal(units, [100, -100, np.nan, np.nan, np.nan, 0])


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
def test_the_difference_of_huge_values_reaches_the_limit(dtype):
    units = make(dtype, -0.9 * dtype.max, 1.0, limit=10.0).to_units(tf.constant(dtype.max, dtype))
    assert units == 10.0


def test_a_limit_of_zero_removes_an_element():
    scaling = make(tf.float32, [3.0, 3.0], 1.0, limit=[0.0, np.inf])
    units = scaling.to_units(tf.constant([[1e30, 4.0], [3.0, 2.0], [np.nan, 3.0]]))
    np.testing.assert_array_equal(units, [[0, 1], [0, -1], [np.nan, 0]])
    np.testing.assert_array_equal(scaling.from_units(units[:2]), [[3, 4], [3, 2]])


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
def test_a_scale_that_tensorflow_flushes_to_zero_divides(dtype):
    tiny = np.finfo(dtype.as_numpy_dtype).tiny
    units = make(dtype, 0.0, tiny / 4).to_units(tf.constant([0.0, tiny / 8, tiny], dtype))
    assert np.isfinite(units).all() and units[0] == 0


@helpers.properties
@hypothesis.given(
    st.sampled_from(FLOATS),
    st.floats(-100, 100, width=16),
    st.floats(0.125, 8, width=16),
    st.lists(st.floats(-1, 1, width=16), min_size=1, max_size=4),
)
def test_units_round_trip_in_the_dtype_of_the_leaf(dtype, center, scale, units):
    scaling = make(dtype, center, scale)
    values = scaling.from_units(tf.constant(units, tf.float32))
    assert values.dtype == dtype
    # The last place of a value, in units.
    atol = 2.0 ** {tf.half: -10, tf.bfloat16: -7, tf.float32: -22, tf.float64: -23}[dtype]
    atol *= 1 + (abs(center) + scale) / scale
    np.testing.assert_allclose(scaling.to_units(values), units, atol=atol)
