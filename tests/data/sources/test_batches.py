"""The contract "Windows": every executed frame ends exactly one window of its own episode."""

import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st

import data


@hypothesis.settings(deadline=None, max_examples=30)
@hypothesis.given(
    lengths=st.lists(st.integers(1, 9), max_size=6),
    length=st.integers(1, 12),
    batch_size=st.integers(1, 12),
)
def test_windows_in_order(make_episode, lengths, length, batch_size):
    """All windows of all episodes, in full batches except for the last."""
    parts = [make_episode(n, seed) for seed, n in enumerate(lengths)]
    batches = list(data.windows_in_order(iter(parts), length, batch_size))
    sizes = [len(batch.step_type) for batch in batches]
    assert all(size == batch_size for size in sizes[:-1])
    assert all(0 < size <= batch_size for size in sizes)
    found = [row.tolist() for batch in batches for row in batch.observation["counter"]]
    assert found == [
        [1000 * seed + max(0, end - back) for back in reversed(range(length))]
        for seed, part in enumerate(parts)
        for end in np.flatnonzero(part.executed)
    ]
    for batch in batches:
        for left, right in zip(tf.nest.flatten(batch), tf.nest.flatten(parts[0].frames)):
            assert left.dtype == right.dtype and left.shape[1:] == (length, *right.shape[1:])


def test_without_executed_actions_there_is_no_window(make_episode):
    episode = make_episode(2)
    episode.frames.step_type[:] = 2
    assert list(data.windows_in_order([episode], 3, 1)) == []


@pytest.mark.parametrize(
    ("length", "batch_size", "message"),
    [(0, 1, "the window length is 0 frames"), (1, 0, "the batch size is 0")],
)
def test_bad_arguments(length, batch_size, message):
    with pytest.raises(data.DataError, match=message):
        list(data.windows_in_order([], length, batch_size))
