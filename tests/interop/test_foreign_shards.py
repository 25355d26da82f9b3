"""Shards of other projects, in the folder `IBC_INTEROP_DATA`."""

import os
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.utils import example_encoding_dataset

import data
from tests.system import helpers

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = pathlib.Path(os.environ.get("IBC_INTEROP_DATA", ROOT.parent / "shared" / "interop"))

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(
        not FOLDER.is_dir(), reason=f"{FOLDER} does not exist; set IBC_INTEROP_DATA to the shards"
    ),
]

# Lengths of the episodes, action dimension, and whether images are compressed.
SHARDS = {
    "d4rl/door-human-v0": ([200, 100] * 5 + [200], 28, False),
    "d4rl/kitchen-complete-v0": ([184, 185, 191, 195], 9, False),
    "particle": ([51] * 10, 2, False),
    "push": ([57, 44, 82, 37, 37, 38, 44, 35, 41, 35], 2, False),
    "push_pixels": ([48, 53], 2, True),
}


@pytest.mark.parametrize("name", SHARDS)
def test_episodes_and_statistics(name):
    lengths, action_size, _ = SHARDS[name]
    dataset = data.Demonstrations.open(FOLDER / name)
    assert [e.num_frames for e in data.read_episodes(FOLDER / name)] == lengths
    assert len(dataset.train) + len(dataset.validation) == len(lengths)
    assert len(dataset.train) >= 1 and len(dataset.validation) >= 1
    assert dataset.num_frames == sum(lengths)
    # Every episode here ends with a LAST frame, whose action was never executed.
    assert dataset.train.num_windows == dataset.train.num_frames - len(dataset.train)
    found = data.compute_statistics(dataset.train, dataset.spec)
    assert found.action.mean.shape == (action_size,)
    assert found.action.count == dataset.train.num_windows
    for leaf in tf.nest.flatten([found.observation, found.action]):
        if leaf is not None:
            for values in (leaf.mean, leaf.std, leaf.minimum, leaf.maximum):
                assert np.isfinite(values).all()
            slack = 1e-9 * np.maximum(np.abs(leaf.minimum), np.abs(leaf.maximum))
            assert (leaf.minimum <= leaf.mean + slack).all()
            assert (leaf.mean <= leaf.maximum + slack).all()


@pytest.mark.parametrize("name", SHARDS)
def test_frames_are_those_that_tf_agents_reads(name):
    (shard,) = data.resolve_shards(FOLDER / name)
    theirs = example_encoding_dataset.load_tfrecord_dataset(
        [shard], add_batch_dim=False, compress_image=SHARDS[name][2]
    )
    ours = (
        tf.nest.map_structure(lambda leaf: leaf[row], episode.frames)  # noqa: B023
        for episode in data.read_episodes(shard)
        for row in range(episode.num_frames)
    )
    for left, right in zip(ours, theirs.as_numpy_iterator(), strict=True):
        for actual, expected in zip(tf.nest.flatten(left), tf.nest.flatten(right)):
            np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("name", ["particle", "push_pixels"])
def test_batches(name):
    dataset = data.Demonstrations.open(FOLDER / name)
    source = data.InMemorySource()
    source.load(dataset.train, dataset.spec)
    assert source.num_windows == dataset.train.num_windows
    batch, _ = next(iter(source.dataset(2, 8, seed=0)))
    for leaf, spec in zip(tf.nest.flatten(batch), tf.nest.flatten(dataset.spec)):
        assert (leaf.shape, leaf.dtype) == ([8, 2, *spec.shape], spec.dtype)


def test_images_are_decoded():
    episode = next(data.read_episodes(FOLDER / "push_pixels"))
    images = episode.frames.observation["rgb"]
    assert (images.shape, images.dtype) == ((48, 240, 320, 3), np.uint8)
    # A rendered scene that changes: neither blank nor noise.
    assert 20 < images.std() < 120
    assert 0 < np.abs(np.diff(images.astype(int), axis=0)).mean() < 20


def test_written_copies_are_equal(tmp_path):
    dataset = data.Demonstrations.open(FOLDER / "push", validation_fraction=0.0)
    with data.EpisodeWriter(tmp_path / "copy", dataset.spec, num_shards=3) as writer:
        for episode in dataset.train:
            writer.write(episode)
    assert data.Demonstrations.open(tmp_path / "copy").dataset_hash == dataset.dataset_hash


@pytest.mark.parametrize(
    ("name", "pieces", "joined"),
    [
        ("d4rl/door-human-v0", [200, 100] * 5 + [200], [300] * 5 + [200]),
        ("d4rl/kitchen-complete-v0", [184, 185, 191, 195], [184, 185, 191, 195]),
    ],
)
def test_cut_demonstrations_are_joined(name, pieces, joined, tmp_path):
    """Pieces are joined if the observation continues; every row is an executed action."""
    for out, flag, lengths in (("a", "nojoin_pieces", pieces), ("b", "join_pieces", joined)):
        arguments = (f"--source={FOLDER / name}", f"--out={tmp_path / out}", f"--{flag}")
        done = helpers.call("data.import_d4rl", *arguments)
        assert done.returncode == 0, done
        episodes = list(data.read_episodes(tmp_path / out))
        assert [episode.num_frames for episode in episodes] == lengths
        assert all(episode.executed.all() for episode in episodes)
        rewards = np.concatenate([episode.frames.reward for episode in episodes])
        theirs = [episode.frames.reward for episode in data.read_episodes(FOLDER / name)]
        np.testing.assert_array_equal(rewards, np.concatenate(theirs))
    assert data.read_manifest(tmp_path / "b").extra["cuts_by_the_time_limit"] == (
        len(pieces) - len(joined)
    )
