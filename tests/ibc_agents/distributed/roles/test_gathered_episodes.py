"""Gathered episodes are on disk before they are sampled, and survive a kill."""

import numpy as np
import pytest
import reverb
import tensorflow as tf
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory

from data import episodes
from data.reading import demonstrations
from data.sources import replay_server
from ibc_agents.core import errors
from ibc_agents.distributed.messaging import job_spec
from ibc_agents.distributed.roles import gathered_episodes

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
    """A function that starts an empty replay server."""
    servers = []

    def start():
        servers.append(reverb.Server(replay_server.replay_tables()))
        return replay_server.ReplayServer(f"localhost:{servers[-1].port}", SPEC)

    yield start
    for server in servers:
        server.stop()


SINGLE = job_spec.Partition()


def gather(folder, server, partition=SINGLE, num_episodes=10, spec=SPEC):
    return gathered_episodes.GatheredEpisodes(folder, partition, spec, server, 2, num_episodes)


def stored(folder):
    """Returns the hashes of all episodes on disk."""
    dataset = demonstrations.Demonstrations.open([*folder.iterdir()], 0.0)
    return [episode.content_hash for episode in dataset.train]


def test_a_restarted_server_has_all_stored_episodes(tmp_path, start_server):
    server = start_server()
    first = gather(tmp_path, server)
    first.add(map(make_episode, (1, 2)))
    first.flush()
    first.add([make_episode(3)])
    first.flush()
    assert server.num_items == len(first) == 3
    first.add([make_episode(4)])  # Lost with the process.
    assert server.num_items == 3

    server = start_server()
    second = gather(tmp_path, server)
    assert server.num_items == len(second) == 3
    second.add(map(make_episode, (2, 4)))
    second.flush()
    assert server.num_items == 4
    assert sorted(stored(tmp_path)) == sorted(make_episode(s).content_hash for s in (1, 2, 3, 4))


def test_contract_distributed_job_drops_duplicate_episodes_and_has_a_capacity(
    tmp_path, start_server
):
    gathered = gather(tmp_path, start_server(), num_episodes=3)
    assert gathered.remaining_capacity == 3 and not gathered.is_flush_due
    gathered.add(map(make_episode, (1, 1, 2)))
    assert len(gathered) == 2 and gathered.remaining_capacity == 1
    assert (
        gather(
            tmp_path, start_server(), job_spec.Partition(1, 2), num_episodes=3
        ).remaining_capacity
        == 2
    )


def test_writes_many_episodes_at_once_and_few_after_a_delay(tmp_path, start_server, monkeypatch):
    gathered = gather(tmp_path, start_server(), num_episodes=100)
    gathered.add(map(make_episode, range(49)))
    assert not gathered.is_flush_due
    gathered.add([make_episode(49)])
    assert gathered.is_flush_due
    gathered.flush()
    gathered.add([make_episode(50)])
    now = gathered_episodes.time.monotonic()
    monkeypatch.setattr(gathered_episodes.time, "monotonic", lambda: now + 31.0)
    assert gathered.is_flush_due


def test_loads_the_episodes_of_servers_that_no_longer_exist(tmp_path, start_server):
    for index in (0, 1, 2):
        gathered = gather(tmp_path, start_server(), job_spec.Partition(index, 3))
        gathered.add([make_episode(index)])
        gathered.flush()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["00000-server-0", "00000-server-1", "00000-server-2"]
    assert len(gather(tmp_path, start_server(), job_spec.Partition(0, 2))) == 2
    assert len(gather(tmp_path, start_server(), job_spec.Partition(1, 2))) == 1


def test_rejects_episodes_of_another_spec(tmp_path, start_server):
    gathered = gather(tmp_path, start_server())
    gathered.add([make_episode(1)])
    gathered.flush()
    other = SPEC._replace(action=tf.TensorSpec([2], tf.float32))
    with pytest.raises(errors.RunError, match="action has shape .* or choose another --root_dir"):
        gather(tmp_path, start_server(), spec=other)
