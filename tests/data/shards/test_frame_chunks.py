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
    splitter = frame_chunks.EpisodeSplitter()
    cut = list(splitter.split(_chunks(originals, sizes)))
    assert len(cut) == len(originals)
    assert splitter.counts == {"file": frame_chunks.ShardCounts(len(lengths), sum(lengths), 0)}
    for actual, expected in zip(cut, originals):
        assert_same_frames(actual.frames, expected.frames)
        assert actual.content_hash == expected.content_hash


def _with_step_types(make_episode, step_types, next_step_types=None):
    """Frames of these step types; those that follow them agree by default."""
    if next_step_types is None:
        next_step_types = [*step_types[1:], 0]
    frames = make_episode(len(step_types)).frames
    return [
        data.Episode(
            frames._replace(
                step_type=np.array(step_types, np.int32),
                next_step_type=np.array(next_step_types, np.int32),
            )
        )
    ]


@pytest.mark.parametrize(
    ("step_types", "next_step_types", "message"),
    [
        ([0, 1, 2, 1], None, "file: record 3 follows the end of an episode"),
        ([0, 1, 2, 2], None, "file: record 3 follows the end of an episode"),
        ([1, 2, 1], None, "file: record 2 follows the end of an episode"),
        ([0, 1, 7], [1, 1, 0], "file: record 2 has step_type 7, which is none of"),
        ([0, 1, 2], [1, -1, 0], "file: record 1 has next_step_type -1, which is none of"),
        ([0, 1, 1, 2], [1, 2, 2, 0], "file: record 2 has step_type 1, and the next_step_type of"),
        ([0, 1, 2], [1, 1, 0], "file: record 2 has step_type 2, and the next_step_type of"),
        ([0, 1, 2], [0, 2, 0], "file: record 1 has step_type 1, and the next_step_type of"),
    ],
)
@pytest.mark.parametrize("sizes", [[], [1, 1, 1]])
def test_contract_dataset_format_has_step_types_in_order(
    make_episode, step_types, next_step_types, message, sizes
):
    chunks = _chunks(_with_step_types(make_episode, step_types, next_step_types), sizes)
    with pytest.raises(data.DataError, match=message):
        list(frame_chunks.EpisodeSplitter().split(chunks))


@pytest.mark.parametrize("after_last", [0, 1, 2])
def test_the_last_frame_of_an_episode_may_have_any_next_step_type(make_episode, after_last):
    for step_types in ([0, 1, 2, 0, 1, 2], [0, 1, 1, 0, 1, 1], [0, 0, 0]):
        after = [*step_types[1:], after_last]
        after = [after_last if value == 0 else value for value in after]
        chunks = _chunks(_with_step_types(make_episode, step_types, after), [])
        assert len(list(frame_chunks.EpisodeSplitter().split(chunks))) == step_types.count(0)


@pytest.mark.parametrize("sizes", [[], [1, 1], [2, 3], [4]])
@pytest.mark.parametrize(
    ("step_types", "lengths", "fragment"),
    [
        ([1, 1, 2, 0, 1, 2], [3], 3),
        ([2, 0, 1, 1], [3], 1),
        ([1, 0, 2, 0, 1], [2, 2], 1),
        ([1, 1, 2], [], 3),
    ],
)
def test_contract_dataset_format_drops_and_counts_fragments(
    make_episode, step_types, lengths, fragment, sizes
):
    splitter = frame_chunks.EpisodeSplitter()
    cut = list(splitter.split(_chunks(_with_step_types(make_episode, step_types), sizes)))
    assert [episode.num_frames for episode in cut] == lengths
    expected = frame_chunks.ShardCounts(len(lengths), sum(lengths), fragment)
    assert splitter.counts == {"file": expected}
