"""The contract "Windows": every executed frame ends exactly one window of its own episode."""

import hypothesis
import numpy as np
import pytest
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


def test_bad_arguments():
    with pytest.raises(data.DataError, match="the window has 0 frames"):
        data.window_indices(2, np.ones(2, bool), 0)
    with pytest.raises(data.DataError, match=r"executed has shape \(3,\), not \(2,\)"):
        data.window_indices(2, np.ones(3, bool), 1)
