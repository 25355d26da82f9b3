"""What actors send is on the disk before it is sampled, once, and there again after a kill."""

import numpy as np
import pytest
import reverb
import tensorflow as tf
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory

from data.episodes import episodes
from data.sources import demonstrations, replay_server
from ibc_agents.core import errors
from ibc_agents.distributed.messaging import episode_messages, job, messages, tables
from ibc_agents.distributed.roles import gathered

SPEC = trajectory.Trajectory(
    step_type=tf.TensorSpec([], tf.int32),
    observation={"x": tf.TensorSpec([2], tf.float32)},
    action=tf.TensorSpec([1], tf.float32),
    policy_info=(),
    next_step_type=tf.TensorSpec([], tf.int32),
    reward=tf.TensorSpec([], tf.float32),
    discount=tf.TensorSpec([], tf.float32),
)


def make_episode(seed, length=4):
    rng = np.random.default_rng(seed)
    step_type = np.full(length, ts.StepType.MID, np.int32)
    step_type[[0, -1]] = ts.StepType.FIRST, ts.StepType.LAST
    return episodes.Episode(
        trajectory.Trajectory(
            step_type=step_type,
            observation={"x": rng.normal(size=(length, 2)).astype(np.float32)},
            action=rng.normal(size=(length, 1)).astype(np.float32),
            policy_info=(),
            next_step_type=np.roll(step_type, -1),
            reward=np.zeros(length, np.float32),
            discount=np.ones(length, np.float32),
        )
    )


@pytest.fixture
def start_server():
    """Starts an empty replay server."""
    servers = []

    def start():
        servers.append(reverb.Server(replay_server.replay_tables()))
        return replay_server.ReplayServer(f"localhost:{servers[-1].port}", SPEC)

    yield start
    for server in servers:
        server.stop()


ALONE = job.Share()


def gather(folder, server, share=ALONE, num_episodes=10, spec=SPEC):
    return gathered.GatheredEpisodes(folder, share, spec, server, 2, num_episodes)


def stored(folder):
    """The hashes of all episodes on the disk."""
    opened = demonstrations.Demonstrations.open([*folder.iterdir()], 0.0)
    return [episode.content_hash for episode in opened.train]


def test_a_killed_server_has_again_what_it_had(tmp_path, start_server):
    server = start_server()
    first = gather(tmp_path, server)
    first.take(map(make_episode, (1, 2)))
    first.flush()
    first.take([make_episode(3)])
    first.flush()
    assert server.num_items == len(first) == 3
    first.take([make_episode(4)])  # is lost with the process
    assert server.num_items == 3

    server = start_server()
    second = gather(tmp_path, server)
    assert server.num_items == len(second) == 3
    second.take(map(make_episode, (2, 4)))
    second.flush()
    assert server.num_items == 4
    assert sorted(stored(tmp_path)) == sorted(make_episode(s).content_hash for s in (1, 2, 3, 4))


def test_contract_distributed_job_equal_episodes_are_one_and_no_more_are_taken_than_wanted(
    tmp_path, start_server
):
    found = gather(tmp_path, start_server(), num_episodes=3)
    assert found.room == 3 and not found.is_due
    found.take(map(make_episode, (1, 1, 2)))
    assert len(found) == 2 and found.room == 1
    assert gather(tmp_path, start_server(), job.Share(1, 2), num_episodes=3).room == 2


def test_enough_of_them_are_written_at_once_and_few_after_a_while(
    tmp_path, start_server, monkeypatch
):
    found = gather(tmp_path, start_server(), num_episodes=100)
    found.take(map(make_episode, range(49)))
    assert not found.is_due
    found.take([make_episode(49)])
    assert found.is_due
    found.flush()
    found.take([make_episode(50)])
    now = gathered.time.monotonic()
    monkeypatch.setattr(gathered.time, "monotonic", lambda: now + 31.0)
    assert found.is_due


def test_what_a_server_has_left_another_takes_over(tmp_path, start_server):
    for index in (0, 1, 2):
        found = gather(tmp_path, start_server(), job.Share(index, 3))
        found.take([make_episode(index)])
        found.flush()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["00000-server-0", "00000-server-1", "00000-server-2"]
    assert len(gather(tmp_path, start_server(), job.Share(0, 2))) == 2
    assert len(gather(tmp_path, start_server(), job.Share(1, 2))) == 1


def test_what_was_gathered_for_other_demonstrations_is_refused(tmp_path, start_server):
    found = gather(tmp_path, start_server())
    found.take([make_episode(1)])
    found.flush()
    other = SPEC._replace(action=tf.TensorSpec([2], tf.float32))
    with pytest.raises(errors.RunError, match="action has shape .* or choose another --root_dir"):
        gather(tmp_path, start_server(), spec=other)


def test_an_episode_arrives_as_it_was_sent():
    server = reverb.Server([messages.Mailbox.table(tables.EPISODES)])
    mailbox = messages.Mailbox(f"localhost:{server.port}", tables.EPISODES)
    mailbox.put(episode_messages.to_message(make_episode(1)))
    [message] = mailbox.receive(1)
    server.stop()
    arrived = episode_messages.from_message(message, SPEC)
    assert arrived.content_hash == make_episode(1).content_hash
