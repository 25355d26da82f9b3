"""Splitting the frames of shards into episodes."""

import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st

import data
from data.shards import frame_chunks


def _chunks(parts, sizes):
    """Yields all frames of episodes in chunks of these sizes; the last one has the rest."""
    frames = tf.nest.map_structure(lambda *x: np.concatenate(x), *(p.frames for p in parts))
    total, begin = len(frames.step_type), 0
    for size in [*sizes, total]:
        end = min(begin + size, total)
        if end > begin:
            cut = tf.nest.map_structure(lambda x: x[begin:end], frames)  # noqa: B023
            yield frame_chunks.FrameChunk("file", begin, cut)
        begin = end


@hypothesis.settings(max_examples=40, deadline=None)
@hypothesis.given(
    lengths=st.lists(st.integers(1, 7), min_size=1, max_size=6),
    sizes=st.lists(st.integers(1, 9), max_size=12),
    ends=st.booleans(),
)
def test_splitting_restores_the_episodes_for_any_chunks(
    make_episode, assert_same_frames, lengths, sizes, ends
):
    originals = [make_episode(n, seed=i, ends=ends) for i, n in enumerate(lengths)]
    cut = list(frame_chunks.split_episodes(_chunks(originals, sizes)))
    assert len(cut) == len(originals)
    for actual, expected in zip(cut, originals):
        assert_same_frames(actual.frames, expected.frames)
        assert actual.content_hash == expected.content_hash


def _with_step_types(make_episode, step_types):
    episode = make_episode(len(step_types))
    return [data.Episode(episode.frames._replace(step_type=np.array(step_types, np.int32)))]


@pytest.mark.parametrize(
    ("step_types", "message"),
    [
        ([1, 1, 2], "file: record 0 does not start an episode"),
        ([0, 1, 2, 1], "file: record 3 follows the end of an episode"),
        ([0, 1, 2, 2], "file: record 3 follows the end of an episode"),
        ([0, 1, 7], "file: record 2 has step type 7"),
    ],
)
@pytest.mark.parametrize("sizes", [[], [1, 1, 1]])
def test_impossible_step_types_name_file_and_record(make_episode, step_types, message, sizes):
    chunks = _chunks(_with_step_types(make_episode, step_types), sizes)
    with pytest.raises(data.DataError, match=message):
        list(frame_chunks.split_episodes(chunks))
