"""The exact index, compared with SciPy's tree."""

import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st
from scipy import spatial

from ibc_agents import policies
from tests.ibc_agents import helpers


def filled(points, values=None):
    index = policies.NearestNeighborIndex()
    numbers = np.arange(len(points), dtype=np.float32)[:, None] if values is None else values
    index.fill([points], [numbers])
    return index


def normal(*shape, seed=0, scale=1.0):
    return np.random.default_rng(seed).normal(0.0, scale, shape).astype(np.float32)


@helpers.properties
@hypothesis.given(
    num_points=st.integers(1, 300),
    size=st.integers(1, 40),
    center=st.sampled_from([0.0, 5.0, 1e4]),
    seed=st.integers(0, 1000),
)
def test_finds_the_closest_point(num_points, size, center, seed):
    """This includes points far from the origin, which float32 cannot distinguish."""
    points, queries = (
        np.float32(center) + normal(n, size, seed=seed + n) for n in (num_points, 20)
    )
    found = filled(points)(tf.constant(queries)).numpy()[:, 0].astype(int)
    _, expected = spatial.cKDTree(points.astype(np.float64)).query(queries.astype(np.float64))
    np.testing.assert_array_equal(found, expected)


def test_a_point_is_its_own_neighbor_among_close_points():
    steps = np.float32(3.0) + np.arange(500, dtype=np.float32)[:, None] * np.float32(1e-6)
    points = np.concatenate([steps, np.full([500, 30], 7.0, np.float32)], axis=1)
    points, first = np.unique(points, axis=0, return_index=True)
    assert len(first) > 300  # float32 rounds some of them to equal values
    np.testing.assert_array_equal(filled(points)(points)[:, 0], np.arange(len(points)))


def test_returns_one_of_duplicate_points():
    points = np.repeat(normal(40, 3), 5, axis=0)
    order = np.random.default_rng(1).permutation(len(points))
    found = filled(points[order])(points).numpy()[:, 0].astype(int)
    np.testing.assert_array_equal(points[order][found], points)


def test_values_may_be_nested():
    points, values = normal(70, 4), normal(70, 3, seed=1)
    index = policies.NearestNeighborIndex()
    index.fill([points[:50], points[50:50], points[50:]], [values[:50], values[:0], values[50:]])
    np.testing.assert_array_equal(index(points), values)


def test_filling_again_replaces_the_points():
    index = filled(normal(9, 2))
    index.fill([normal(4, 3)], [np.full([4, 1], 8.0, np.float32)])
    np.testing.assert_array_equal(index(normal(2, 3)), [[8.0], [8.0]])
    assert sorted(v.shape.as_list() for v in index.variables) == [[4], [4, 1], [4, 4]]


def test_no_variable_is_trainable():
    index = filled(normal(9, 2))
    assert len(index.variables) == 3 and not index.trainable_variables


def test_an_empty_index_raises():
    index = policies.NearestNeighborIndex()
    with pytest.raises(ValueError, match="Nothing is memorized: give the demonstrations to"):
        index(normal(2, 3))
    for parts in ([], [normal(0, 3)]):
        with pytest.raises(ValueError, match="there is nothing to memorize"):
            index.fill(parts, [normal(0, 1) for _ in parts])


def test_queries_of_a_different_size_raise():
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match="(?i)dimension|size"):
        filled(normal(9, 2))(normal(2, 3))
