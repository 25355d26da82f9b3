"""Episodes: which actions were executed, and content hashes."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

import data
from data import episodes


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


def test_rejects_leaves_of_different_lengths(make_episode):
    frames = make_episode(4).frames
    with pytest.raises(data.DataError, match=r"have lengths \[3, 4\]; they must have one"):
        data.Episode(frames._replace(reward=frames.reward[:3]))


def test_an_episode_cannot_be_changed(make_episode):
    with pytest.raises(dataclasses.FrozenInstanceError):
        make_episode(2).frames = None
