"""Episodes and batches are equal after they have been sent through a server."""

import numpy as np
import pytest
import reverb
import tensorflow as tf
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory

from data import episodes
from ibc_agents.distributed.messaging import channels, experience_messages, tables

LENGTH, BATCH_SIZE, WINDOW = 4, 3, 2
SPEC = trajectory.Trajectory(
    step_type=tf.TensorSpec([], tf.int32),
    observation={"image": tf.TensorSpec([2, 2, 3], tf.uint8), "x": tf.TensorSpec([2])},
    action=tf.TensorSpec([1]),
    policy_info=(),
    next_step_type=tf.TensorSpec([], tf.int32),
    reward=tf.TensorSpec([]),
    discount=tf.TensorSpec([]),
)


def make_frames(seed, shape):
    """Returns random frames with leaves [*shape, …]."""
    generator = np.random.default_rng(seed)
    return tf.nest.map_structure(
        lambda leaf: generator.integers(256, size=(*shape, *leaf.shape)).astype(
            leaf.dtype.as_numpy_dtype
        ),
        SPEC,
    )


@pytest.fixture
def send():
    """A function that sends a message through a server and returns the received one."""
    server = reverb.Server([channels.MessageQueue.table(tables.EPISODES)])
    queue = channels.MessageQueue(f"localhost:{server.port}", tables.EPISODES)

    def send_and_receive(message):
        queue.send(message)
        [received] = queue.receive(1)
        return received

    yield send_and_receive
    server.stop()


def test_a_received_episode_equals_the_sent_one(send):
    step_type = np.full(LENGTH, ts.StepType.MID, np.int32)
    step_type[[0, -1]] = ts.StepType.FIRST, ts.StepType.LAST
    frames = make_frames(0, [LENGTH])._replace(
        step_type=step_type, next_step_type=np.roll(step_type, -1)
    )
    sent = episodes.Episode(frames)
    received = experience_messages.decode_episode(
        send(experience_messages.encode_episode(sent)), SPEC
    )
    assert received.content_hash == sent.content_hash


def test_received_batches_equal_the_sent_ones(send):
    sent = [make_frames(seed, [BATCH_SIZE, WINDOW]) for seed in (0, 1)]
    received = experience_messages.decode_batches(
        send(experience_messages.encode_batches(sent)), SPEC
    )
    assert len(received) == len(sent)
    for theirs, ours in zip(received, sent, strict=True):
        tf.nest.map_structure(np.testing.assert_array_equal, theirs, ours)
        tf.nest.map_structure(lambda a, b: np.testing.assert_equal(a.dtype, b.dtype), theirs, ours)
