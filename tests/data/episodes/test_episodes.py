"""Cutting frames into episodes, and their hashes."""

import dataclasses

import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st

import data
from data.episodes import episodes


def _chunks(parts, sizes):
    """All frames of some episodes, in chunks of the given sizes (the last takes the rest)."""
    frames = tf.nest.map_structure(lambda *x: np.concatenate(x), *(p.frames for p in parts))
    total, begin = len(frames.step_type), 0
    for size in [*sizes, total]:
        end = min(begin + size, total)
        if end > begin:
            cut = tf.nest.map_structure(lambda x: x[begin:end], frames)  # noqa: B023
            yield episodes.FrameChunk("file", begin, cut)
        begin = end


@hypothesis.settings(max_examples=40, deadline=None)
@hypothesis.given(
    lengths=st.lists(st.integers(1, 7), min_size=1, max_size=6),
    sizes=st.lists(st.integers(1, 9), max_size=12),
    ends=st.booleans(),
)
def test_cutting_gives_back_the_episodes_however_they_are_chunked(
    make_episode, assert_same_frames, lengths, sizes, ends
):
    originals = [make_episode(n, seed=i, ends=ends) for i, n in enumerate(lengths)]
    cut = list(episodes.cut_episodes(_chunks(originals, sizes)))
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
        list(episodes.cut_episodes(chunks))


def test_executed_is_false_only_at_last(make_episode):
    np.testing.assert_array_equal(make_episode(4).executed, [True, True, True, False])
    np.testing.assert_array_equal(make_episode(3, ends=False).executed, [True] * 3)


def test_hash_depends_on_every_leaf_its_dtype_and_its_shape(make_episode):
    episode = make_episode(4)
    hashes = {episode.content_hash}
    flat = tf.nest.flatten(episode.frames)
    for number, leaf in enumerate(flat):
        changed = leaf.copy()
        changed.reshape(-1)[-1] += 1
        for other in (changed, leaf.astype(np.float16), leaf[:, None]):
            leaves = [*flat[:number], other, *flat[number + 1 :]]
            hashes.add(data.Episode(tf.nest.pack_sequence_as(episode.frames, leaves)).content_hash)
    assert len(hashes) == 1 + 3 * len(flat)


def test_hash_does_not_depend_on_memory_layout(make_episode):
    frames = make_episode(4).frames
    other = tf.nest.map_structure(np.asfortranarray, frames)
    assert data.Episode(other).content_hash == data.Episode(frames).content_hash


def test_combined_hash_ignores_the_order():
    assert episodes.combined_hash(["b", "a"]) == episodes.combined_hash(["a", "b"])
    assert episodes.combined_hash(["a", "a"]) != episodes.combined_hash(["a"])


def test_leaves_of_different_lengths_are_refused(make_episode):
    frames = make_episode(4).frames
    with pytest.raises(data.DataError, match=r"one length, not \[3, 4\]"):
        data.Episode(frames._replace(reward=frames.reward[:3]))


def test_an_episode_cannot_be_changed(make_episode):
    with pytest.raises(dataclasses.FrozenInstanceError):
        make_episode(2).frames = None
