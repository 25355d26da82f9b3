"""RowLayout: a round trip of every dtype."""

import numpy as np
import pytest
import tensorflow as tf

import data
from data.sources import row_layout

DTYPES = [np.float16, np.float32, np.float64, np.uint8, np.int8, np.uint16, np.int16, np.int32]


@pytest.mark.parametrize("image_shape", [None, (3, 4, 3)])
def test_round_trip_of_every_dtype(make_spec, make_episode, assert_same_frames, image_shape):
    episode, spec = make_episode(6, 0, image_shape), make_spec(image_shape)
    for dtype in DTYPES:
        name = np.dtype(dtype).name
        shape = [2, 1] if dtype in (np.float16, np.int8) else []
        values = np.random.default_rng(0).integers(0, 100, [6, *shape]).astype(dtype)
        episode.frames.observation[name] = values
        spec.observation[name] = tf.TensorSpec(shape, dtype)
    layout = row_layout.RowLayout(spec)
    rows = layout.pack(data.Episode(episode.frames))
    assert rows.dtype == np.uint8 and rows.shape == (6, layout.row_bytes)
    windows = [[0, 0, 1], [3, 4, 5]]
    images = {}
    if image_shape:
        images["observation/rgb"] = episode.frames.observation["rgb"][windows]
    unpacked = layout.unpack(tf.gather(rows, windows), images)
    actual = tf.nest.map_structure(np.asarray, unpacked)
    assert_same_frames(actual, tf.nest.map_structure(lambda leaf: leaf[windows], episode.frames))


def test_rows_contain_whether_the_action_was_executed(make_spec, make_episode):
    layout = row_layout.RowLayout(make_spec())
    episode = make_episode(4)
    np.testing.assert_array_equal(layout.executed(layout.pack(episode)), episode.executed)
