"""The contract "Windows": every executed frame ends exactly one window of its own episode."""

import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st

import data

EXECUTED = st.lists(st.booleans(), min_size=1, max_size=40).map(lambda x: np.array(x, bool))


@hypothesis.settings(deadline=None)
@hypothesis.given(executed=EXECUTED, length=st.integers(1, 50))
def test_windows(executed, length):
    indices = data.window_indices(len(executed), executed, length)
    assert indices.shape == (executed.sum(), length)
    # Each executed frame is the end of exactly one window.
    np.testing.assert_array_equal(indices[:, -1], np.flatnonzero(executed))
    # Consecutive frames, the first one repeated before the start; never outside the episode.
    for window in indices:
        expected = [max(0, window[-1] - back) for back in reversed(range(length))]
        assert window.tolist() == expected
    np.testing.assert_array_equal(data.tf_window_indices(executed, length), indices)


def test_an_example():
    executed = np.array([True, True, True, False])
    expected = [[0, 0, 0], [0, 0, 1], [0, 1, 2]]
    np.testing.assert_array_equal(data.window_indices(4, executed, 3), expected)


def test_nothing_executed_gives_no_window():
    assert data.window_indices(2, np.zeros(2, bool), 3).shape == (0, 3)


@hypothesis.settings(deadline=None, max_examples=30)
@hypothesis.given(
    lengths=st.lists(st.integers(1, 9), max_size=6),
    length=st.integers(1, 5),
    batch_size=st.integers(1, 12),
)
def test_windows_in_order(make_episode, lengths, length, batch_size):
    """All windows of all episodes, in full batches but for the last."""
    parts = [make_episode(n, seed) for seed, n in enumerate(lengths)]
    batches = list(data.windows_in_order(iter(parts), length, batch_size))
    sizes = [len(batch.step_type) for batch in batches]
    assert all(size == batch_size for size in sizes[:-1])
    assert all(0 < size <= batch_size for size in sizes)
    found = [row.tolist() for batch in batches for row in batch.observation["counter"]]
    assert found == [
        [1000 * seed + frame for frame in window]
        for seed, part in enumerate(parts)
        for window in data.window_indices(part.num_frames, part.executed, length)
    ]
    for batch in batches:
        for left, right in zip(tf.nest.flatten(batch), tf.nest.flatten(parts[0].frames)):
            assert left.dtype == right.dtype and left.shape[1:] == (length, *right.shape[1:])


def test_bad_arguments():
    with pytest.raises(data.DataError, match="the window has 0 frames"):
        data.window_indices(2, np.ones(2, bool), 0)
    with pytest.raises(data.DataError, match=r"executed has shape \(3,\), not \(2,\)"):
        data.window_indices(2, np.ones(3, bool), 1)
    with pytest.raises(data.DataError, match="the window has 0 frames"):
        list(data.windows_in_order([], 0, 1))
    with pytest.raises(data.DataError, match="the batch size is 0"):
        list(data.windows_in_order([], 1, 0))
