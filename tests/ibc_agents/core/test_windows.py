"""The contract "Windows": the forms of the start-padded window agree with each other."""

import hypothesis
import numpy as np
import tensorflow as tf
from hypothesis import strategies as st

from ibc_agents.core import windows

_FIRST, _MID, _LAST = 0, 1, 2


@st.composite
def streams(draw):
    """Strategy of the step types and starts of the frames of consecutive episodes."""
    lengths = draw(st.lists(st.integers(1, 9), min_size=1, max_size=5))
    step_types, starts = [], []
    for length in lengths:
        begin = len(step_types)
        types = [_FIRST] + [_MID] * (length - 1)
        if length > 1 and draw(st.booleans()):
            types[-1] = _LAST
        step_types += types
        starts += [begin] * length
    return np.array(step_types, np.int32), np.array(starts)


def naive_windows(starts, length):
    """Returns every window of a stream by a loop over frames."""
    return [
        [max(start, end - back) for back in reversed(range(length))]
        for end, start in enumerate(starts)
    ]


@hypothesis.settings(deadline=None)
@hypothesis.given(stream=streams(), length=st.integers(1, 12))
def test_numpy_and_tensorflow_agree_with_the_definition(stream, length):
    _, starts = stream
    ends = np.arange(len(starts))
    found = windows.window_indices(ends, length, starts)
    assert found.tolist() == naive_windows(starts, length)
    for dtype in (tf.int32, tf.int64):
        in_graph = windows.tf_window_indices(tf.constant(ends, dtype), length, starts)
        assert in_graph.dtype == dtype
        np.testing.assert_array_equal(in_graph, found)


@hypothesis.settings(deadline=None)
@hypothesis.given(num_frames=st.integers(1, 9), length=st.integers(1, 12))
def test_one_start_is_shared_by_all_windows(num_frames, length):
    ends = np.arange(num_frames)
    expected = naive_windows([0] * num_frames, length)
    assert windows.window_indices(ends, length).tolist() == expected
    np.testing.assert_array_equal(windows.tf_window_indices(tf.constant(ends), length), expected)


@hypothesis.settings(deadline=None)
@hypothesis.given(stream=streams(), length=st.integers(1, 12))
def test_windows_across_episodes_are_padded(stream, length):
    """Windows that a replay buffer cuts across episodes become windows of their last episode."""
    step_type, starts = stream
    ends = np.arange(length - 1, len(step_type))
    if not len(ends):
        return
    raw = ends[:, None] + np.arange(1 - length, 1)
    positions = windows.repaired_indices(tf.constant(step_type[raw])).numpy()
    repaired = np.take_along_axis(raw, positions, axis=1)
    # The first window may begin in the middle of an episode; padding starts at its first frame.
    expected = windows.window_indices(ends, length, np.maximum(starts[ends], raw[:, 0]))
    np.testing.assert_array_equal(repaired, expected)


@hypothesis.settings(deadline=None, max_examples=30)
@hypothesis.given(stream=streams(), length=st.integers(2, 12), with_shape=st.booleans())
def test_appending_frames_one_by_one_gives_the_same_windows(stream, length, with_shape):
    step_type, starts = stream
    shape = [2, 3] if with_shape else []
    past = tf.fill([1, length - 1, *shape], -1.0)
    for number, expected in enumerate(
        windows.window_indices(np.arange(len(starts)), length, starts)
    ):
        newest = tf.fill([1, 1, *shape], float(number))
        window = windows.append_frame(past, newest, tf.constant([step_type[number] == _FIRST]))
        assert window.shape == [1, length, *shape]
        np.testing.assert_array_equal(window.numpy().reshape(length, -1)[:, 0], expected)
        past = window[:, 1:]
