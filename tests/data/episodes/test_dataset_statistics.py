"""Statistics against NumPy, for any chunks of frames."""

import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st

import data
from data.episodes import dataset_statistics


def _oracle(values):
    # Far from zero, float64 sums of NumPy lose digits.
    exact = values.astype(np.longdouble)
    results = [f(exact, axis=0) for f in (np.mean, np.std, np.min, np.max)]
    return len(values), *(result.astype(np.float64) for result in results)


def _check(found, values):
    count, mean, std, minimum, maximum = _oracle(values)
    assert found.count == count
    np.testing.assert_allclose(found.mean, mean, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.std, std, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(found.minimum, minimum)
    np.testing.assert_array_equal(found.maximum, maximum)
    assert {a.dtype for a in (found.mean, found.std, found.minimum, found.maximum)} == {
        np.dtype(np.float64)
    }


def _check_against_episodes(found, episodes):
    frames = tf.nest.map_structure(lambda *x: np.concatenate(x), *(e.frames for e in episodes))
    for name, values in frames.observation.items():
        if name != "rgb":
            _check(found.observation[name], values)
    _check(found.action, frames.action[frames.step_type != 2])


@hypothesis.settings(max_examples=30, deadline=None)
@hypothesis.given(
    lengths=st.lists(st.integers(1, 30), min_size=1, max_size=8),
    offset=st.sampled_from([0.0, 1e3, -1e6]),
)
def test_episodes_against_numpy(make_spec, make_episode, lengths, offset):
    episodes = [make_episode(n, i) for i, n in enumerate(lengths)]
    for episode in episodes:
        episode.frames.observation["matrix"][:] += offset
    _check_against_episodes(data.compute_statistics(episodes, make_spec()), episodes)


@pytest.mark.parametrize("pairs", [False, True])
@pytest.mark.parametrize("leading", [[], [12], [3, 4], [2, 3, 2]])
def test_datasets_with_any_leading_dimensions(make_spec, make_episode, leading, pairs):
    episode = make_episode(24)
    dataset = tf.data.Dataset.from_tensor_slices(
        tf.nest.map_structure(
            lambda leaf: leaf.reshape([-1, *leading, *leaf.shape[1:]]), episode.frames
        )
    )
    if pairs:
        dataset = dataset.map(lambda frames: (frames, ()))
    _check_against_episodes(data.compute_statistics(dataset, make_spec()), [episode])


def test_images_have_no_statistics(make_spec, make_episode):
    shape = (4, 4, 3)
    found = data.compute_statistics([make_episode(5, 0, shape)], make_spec(shape))
    assert found.observation["rgb"] is None
    assert found.observation["position"].count == 5


@hypothesis.given(value=st.floats(-1e30, 1e30), chunks=st.integers(1, 5))
def test_a_constant_has_an_exact_mean_and_no_deviation(make_spec, make_episode, value, chunks):
    episodes = [make_episode(7, n) for n in range(chunks)]
    for episode in episodes:
        episode.frames.observation["matrix"][:] = value
    found = data.compute_statistics(episodes, make_spec()).observation["matrix"]
    assert (found.mean == value).all() and (found.std == 0).all()


def test_a_small_deviation_far_from_zero_is_exact(make_spec, make_episode):
    episodes = [make_episode(1000, n) for n in range(3)]
    for episode in episodes:
        episode.frames.observation["matrix"][:] = 1e8 + 1e-3 * episode.frames.observation["matrix"]
    _check_against_episodes(data.compute_statistics(episodes, make_spec()), episodes)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("leaf", ["observation/position", "action"])
def test_values_that_are_not_finite(make_spec, make_episode, leaf, value):
    episode = make_episode(4)
    values = episode.frames.action if leaf == "action" else episode.frames.observation["position"]
    values[1, 0] = value
    with pytest.raises(data.DataError, match=f"{leaf} is NaN or infinite"):
        data.compute_statistics([episode], make_spec())


def test_rejects_empty_data(make_spec, make_episode):
    with pytest.raises(data.DataError, match="no frame"):
        data.compute_statistics([], make_spec())
    last = make_episode(3)
    last.frames.step_type[:] = 2
    with pytest.raises(data.DataError, match="action has no frame"):
        data.compute_statistics([last], make_spec())


def _accumulate(*chunks):
    accumulator = dataset_statistics.LeafAccumulator("x", np.shape(chunks[0])[1:])
    for chunk in chunks:
        accumulator.add(accumulator.rows(chunk))
    return accumulator.result()


def test_int64_values_beyond_float64_have_their_deviation():
    """Neighboring float64 values are 256 apart here."""
    start = 1_700_000_000 * 10**9
    found = _accumulate(start + np.arange(5)[:, None], start + np.arange(5, 10)[:, None])
    np.testing.assert_allclose(found.std, np.arange(10).std(), rtol=1e-12)
    assert not found.is_constant(tf.int64)
    ends = np.array([[-(2**63)], [2**63 - 1]])
    np.testing.assert_allclose(_accumulate(ends).std, 2.0**63, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("magnitude", [1e-4, 1.0, 3e4])
def test_rounding_is_no_variation_and_the_smallest_steps_are(dtype, magnitude):
    spacing = np.spacing(dtype(magnitude)).astype(np.float64)
    for steps, constant in ((0, True), (2, True), (20, False)):
        values = np.array([magnitude, magnitude + steps * spacing]).astype(dtype)[:, None]
        assert _accumulate(values).is_constant(tf.as_dtype(dtype)) == constant


def test_values_whose_squares_overflow_are_refused():
    with pytest.raises(data.DataError, match="x has values of -1e.200 to 1e.200, whose standard"):
        _accumulate(np.array([[-1e200], [0.0]]), np.array([[1e200]]))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros([6, 3]), r"action has values of dtype float64 and shape \(6, 3\); expected"),
        (np.full([6, 2], "1"), "action has values of dtype <U1 and shape"),
        (np.zeros([5, 2]), "action has 5 frames and step_type has 6"),
    ],
)
def test_values_of_another_form_are_refused(make_spec, make_episode, values, message):
    frames = make_episode(6).frames._replace(action=values)
    with pytest.raises(data.DataError, match=message):
        data.compute_statistics([frames], make_spec())
