"""Random episodes for the tests of the data package."""

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import trajectory

import data


def _make_spec(image_shape=None):
    observation = {
        "position": tf.TensorSpec([2], tf.float32),
        "counter": tf.TensorSpec([], tf.int64),
        "matrix": tf.TensorSpec([2, 3], tf.float64),
    }
    if image_shape:
        observation["rgb"] = tf.TensorSpec(image_shape, tf.uint8)
    return trajectory.Trajectory(
        step_type=tf.TensorSpec([], tf.int32),
        observation=observation,
        action=tensor_spec.BoundedTensorSpec([2], tf.float32, minimum=-1.0, maximum=[1.0, 2.0]),
        policy_info=(),
        next_step_type=tf.TensorSpec([], tf.int32),
        reward=tf.TensorSpec([], tf.float32),
        discount=tf.TensorSpec([], tf.float32),
    )


def _make_episode(length, seed=0, image_shape=None, ends=True):
    """An episode of random values; `ends` says whether its last frame is LAST."""
    generator = np.random.default_rng(seed)
    step_type = np.ones(length, np.int32)
    step_type[0] = 0
    if ends and length > 1:
        step_type[-1] = 2
    observation = {
        "position": generator.normal(size=[length, 2]).astype(np.float32),
        "counter": np.arange(length) + 1000 * seed,
        "matrix": generator.normal(size=[length, 2, 3]),
    }
    if image_shape:
        smooth = np.linspace(0, 255, int(np.prod(image_shape))).reshape(image_shape)
        shades = generator.uniform(0.2, 1.0, size=[length, 1, 1, 1])
        observation["rgb"] = (shades * smooth).astype(np.uint8)
    return data.Episode(
        trajectory.Trajectory(
            step_type=step_type,
            observation=observation,
            action=generator.uniform(-1, 1, size=[length, 2]).astype(np.float32),
            policy_info=(),
            next_step_type=np.append(step_type[1:], [0]).astype(np.int32),
            reward=generator.normal(size=length).astype(np.float32),
            discount=np.ones(length, np.float32),
        )
    )


@pytest.fixture(scope="session")
def make_spec():
    return _make_spec


@pytest.fixture(scope="session")
def make_episode():
    return _make_episode


@pytest.fixture
def write_dataset(tmp_path):
    """Writes episodes into a new folder and returns its path."""

    def write(episodes, spec, name="dataset", **options):
        with data.EpisodeWriter(tmp_path / name, spec, **options) as writer:
            for episode in episodes:
                writer.write(episode)
        return tmp_path / name

    return write


@pytest.fixture(scope="session")
def assert_same_frames():
    def check(actual, expected):
        tf.nest.assert_same_structure(actual, expected)
        for left, right in zip(tf.nest.flatten(actual), tf.nest.flatten(expected)):
            assert left.dtype == right.dtype
            np.testing.assert_array_equal(left, right)

    return check
