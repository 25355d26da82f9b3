"""EpisodeStore returns the added episodes and has no frame twice."""

import subprocess
import sys

import hypothesis
import numpy as np
import tensorflow as tf
from hypothesis import strategies as st

from data.episodes import episode_store


@hypothesis.settings(max_examples=20, deadline=None)
@hypothesis.given(lengths=st.lists(st.integers(1, 6), max_size=8), with_image=st.booleans())
def test_the_store_returns_the_added_episodes(
    make_episode, assert_same_frames, lengths, with_image
):
    image_shape = (2, 3, 3) if with_image else None
    expected = [make_episode(n, seed, image_shape) for seed, n in enumerate(lengths)]
    store = episode_store.EpisodeStore.from_episodes(iter(expected))
    assert len(store) == len(expected)
    for _ in range(2):
        for found, episode in zip(store, expected, strict=True):
            assert_same_frames(found.frames, episode.frames)
            assert found.content_hash == episode.content_hash


def test_a_subset_shares_the_frames(make_episode, assert_same_frames):
    expected = [make_episode(n, n) for n in (3, 1, 4, 2)]
    store = episode_store.EpisodeStore.from_episodes(expected)
    subset = store.subset([1, 3])
    assert subset.frames is store.frames and len(subset) == 2
    for found, number, start in zip(subset, (1, 3), subset.starts, strict=True):
        assert_same_frames(found.frames, expected[number].frames)
        assert start == sum(episode.num_frames for episode in expected[:number])
    assert list(store.subset([])) == []


def test_episodes_are_views(make_episode):
    store = episode_store.EpisodeStore.from_episodes([make_episode(3, n) for n in range(2)])
    for episode in store:
        for view, leaf in zip(
            tf.nest.flatten(episode.frames), tf.nest.flatten(store.frames), strict=True
        ):
            assert np.shares_memory(view, leaf)


def test_the_store_copies_added_episodes(make_episode):
    episode = make_episode(3)
    store = episode_store.EpisodeStore.from_episodes([episode])
    before = [leaf.copy() for leaf in tf.nest.flatten(store.frames)]
    for leaf in tf.nest.flatten(episode.frames):
        leaf.fill(0)
    for leaf, expected in zip(tf.nest.flatten(store.frames), before, strict=True):
        np.testing.assert_array_equal(leaf, expected)


_FILL = """
import numpy as np
from tf_agents.trajectories import trajectory
from data import episodes
from data.episodes import episode_store

def resident(name):
    with open("/proc/self/status") as file:
        (line,) = [line for line in file if line.startswith(name)]
    return 1024 * int(line.split()[1])

step_type = np.ones(100, np.int32)
images = np.ones((100, 64, 64, 3), np.uint8)
frames = trajectory.Trajectory(step_type, images, step_type, (), step_type, step_type, step_type)
before = resident("VmRSS")
store = episode_store.EpisodeStore.from_episodes(episodes.Episode(frames) for _ in range(200))
assert store.frames.observation.nbytes > 200e6
print((resident("VmHWM") - before) / store.frames.observation.nbytes)
"""


def test_building_never_has_the_images_in_memory_twice():
    """Measures the peak resident memory of a process that does nothing else."""
    script = [sys.executable, "-c", _FILL]
    done = subprocess.run(script, capture_output=True, text=True, check=True)
    assert 1.0 < float(done.stdout) < 1.3
