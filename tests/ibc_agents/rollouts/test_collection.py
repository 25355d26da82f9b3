"""Collected demonstrations depend only on their seed and number, and end with LAST."""

import errno
import multiprocessing
from typing import ClassVar
from unittest import mock

import gin
import numpy as np
import pytest
import tqdm

import data
from data.reading import demonstrations
from data.shards import encoding
from environments import base
from environments.block_pushing import SingleTargetDemonstrator
from environments.particle import ParticleDemonstrator, ParticleEnvironment
from ibc_agents.core import errors
from ibc_agents.rollouts import collection, rollout_seeds, shard_collector

FIRST, MID, LAST = 0, 1, 2


class SerialParticle(ParticleEnvironment):
    """An environment without a vector form."""

    begun: ClassVar[list[int]] = []  # seeds of the episodes

    def vectorized(self, batch_size):
        return None

    def seed(self, seed):
        super().seed(seed)
        self.begun.append(seed)


class FragileParticle(SerialParticle):
    """Raises an error in demonstration 4 of seed 4."""

    def _advance(self, action):
        if self.begun[-1] == seed_of(4, 4):
            raise RuntimeError("the arm fell off")
        return super()._advance(action)


def make_demonstrator(environment):
    if isinstance(environment, base.SerialVectorEnvironment):
        environment.task = ParticleEnvironment().task
    return ParticleDemonstrator(environment)


@gin.configurable
def noisy(environment, noise=0.0):
    del noise
    return make_demonstrator(environment)


def seed_of(seed, episode):
    return rollout_seeds.for_collection(seed, episode).environment


def collect(folder, num_episodes=5, seed=4, environment=ParticleEnvironment, **options):
    rate = collection.collect(folder, environment, make_demonstrator, num_episodes, seed, **options)
    return demonstrations.Demonstrations.open(folder, validation_fraction=0.0), rate


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_contract_collection_episode_depends_on_seed_and_number_alone(tmp_path):
    """The batch size, the number of episodes and the shards have no effect."""
    together, _ = collect(tmp_path / "a")
    alone, _ = collect(tmp_path / "b", environment=SerialParticle)
    more, _ = collect(tmp_path / "c", num_episodes=7, shard_episodes=3)
    other, _ = collect(tmp_path / "d", seed=5)
    hashes = [
        {episode.content_hash for episode in opened.train}
        for opened in (together, alone, more, other)
    ]
    assert hashes[0] == hashes[1] < hashes[2]
    assert len(hashes[2]) == 7
    assert not hashes[0] & hashes[3]


def test_episodes_end_with_a_frame_whose_action_was_not_executed(tmp_path):
    opened, rate = collect(tmp_path / "dataset")
    returns = []
    for episode in opened.train:
        frames = episode.frames
        assert frames.step_type.tolist() == [FIRST, *[MID] * 49, LAST]
        assert frames.next_step_type.tolist() == [*[MID] * 49, LAST, FIRST]
        assert episode.executed.sum() == 50
        returns.append(frames.reward[episode.executed].sum())
    assert len(returns) == 5
    assert rate == np.mean(np.array(returns) > 0)


def test_contract_collection_processes_and_interruptions_do_not_change_a_byte(tmp_path):
    _, rate = collect(tmp_path / "fast", shard_episodes=2)

    options = {"shard_episodes": 2, "num_processes": 2}
    with pytest.raises(errors.RunError) as caught:
        collect(tmp_path / "parts", environment=FragileParticle, **options)
    assert str(caught.value) == (
        "A worker process failed at demonstration 4: RuntimeError: the arm fell off. "
        "Finished work is kept; run the same command again to continue."
    )
    assert not multiprocessing.active_children()
    kept = list((tmp_path / ".parts.partial").glob("*.tfrecord"))
    assert kept and not (tmp_path / "parts").exists()

    SerialParticle.begun.clear()
    options["num_processes"] = 1
    _, resumed_rate = collect(tmp_path / "parts", environment=SerialParticle, **options)
    assert len(SerialParticle.begun) == 5 - 2 * len(kept)
    assert resumed_rate == rate
    assert contents(tmp_path / "parts") == contents(tmp_path / "fast")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fast", "parts"]


def test_full_disk_and_interrupts_leave_what_is_finished(tmp_path, monkeypatch):
    collect(tmp_path / "whole", shard_episodes=1)
    encode = encoding.encode_frames
    left = [3]

    def encode_until(failure):
        def fails(*arguments):
            left[0] -= 1
            if left[0] == 0:
                raise failure
            return encode(*arguments)

        monkeypatch.setattr(encoding, "encode_frames", fails)

    encode_until(OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(data.DataError, match=r"parts \(No space left on device"):
        collect(tmp_path / "parts", shard_episodes=1)
    left[0] = 2
    encode_until(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        collect(tmp_path / "parts", shard_episodes=1)
    left[0] = 2 + 1
    collect(tmp_path / "parts", shard_episodes=1)
    assert left[0] == 1  # two were left
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 5}, "exists with seed 4, and 5 was requested. Finish it with 4"),
        ({"num_episodes": 6}, "exists with number of episodes 5, and 6 was requested"),
        ({"shard_episodes": 1}, "exists with episodes a shard 2, and 1 was requested"),
        ({"image_format": "raw"}, "exists with image format png, and raw was requested"),
        (
            {"environment": lambda: ParticleEnvironment(3)},
            "exists with environment particle_2d, and particle_3d was requested",
        ),
    ],
)
def test_collection_with_other_settings_is_not_resumed(tmp_path, change, message):
    options = {"shard_episodes": 2, "environment": FragileParticle, "num_processes": 1}
    with pytest.raises(RuntimeError, match="the arm fell off"):
        collect(tmp_path / "new", **options)
    with pytest.raises(data.DataError, match=message):
        collect(tmp_path / "new", **{**options, **change})


def test_worker_with_another_environment_is_an_error(tmp_path):
    collector = shard_collector.ShardCollector(
        ParticleEnvironment,
        ParticleDemonstrator,
        environment_name="particle_3d",
        rows=1,
        seed=0,
        image_format="raw",
        folder=tmp_path,
    )
    message = "worker process makes the environment particle_2d, and its parent particle_3d"
    with pytest.raises(errors.RunError, match=message):
        collector(shard_collector.ShardTask(str(tmp_path / "shard"), 0, 1), lambda: None)
    assert list(tmp_path.iterdir()) == []


def test_collection_with_another_gin_configuration_is_not_resumed(tmp_path):
    options = {"num_episodes": 3, "seed": 4, "shard_episodes": 1}
    with mock.patch.object(tqdm.tqdm, "update", side_effect=[None, KeyboardInterrupt]):
        with pytest.raises(KeyboardInterrupt):
            collection.collect(tmp_path / "new", ParticleEnvironment, noisy, **options)
    gin.parse_config("noisy.noise = 0.5")
    with pytest.raises(
        data.DataError, match="settings of the demonstrator {}, and {'noise': '0.5'} was"
    ):
        collection.collect(tmp_path / "new", ParticleEnvironment, noisy, **options)


def test_lambdas_work_in_one_process_only(tmp_path):
    one, _ = collect(tmp_path / "one", environment=lambda: SerialParticle(), num_processes=1)
    assert len(one.train) == 5
    with pytest.raises(errors.RunError, match="or use one process"):
        options = {"shard_episodes": 1, "num_processes": 2}
        collect(tmp_path / "two", environment=lambda: SerialParticle(), **options)


def test_manifest_describes_the_collection(tmp_path):
    opened, rate = collect(tmp_path / "dataset", shard_episodes=2)
    assert opened.manifest.extra == {
        "environment": "particle_2d",
        "demonstrator": "ParticleDemonstrator",
        "settings of the demonstrator": {},
        "seed": 4,
        "successes": round(rate * 5),
    }
    assert [shard.episodes for shard in opened.manifest.shards] == [2, 2, 1]
    collection.check_origin(opened, tmp_path, ParticleDemonstrator, 4)
    with pytest.raises(errors.RunError, match="holds demonstrations with seed 4, not 6"):
        collection.check_origin(opened, tmp_path, ParticleDemonstrator, 6)


def test_dataset_of_another_demonstrator_is_rejected(tmp_path):
    opened, _ = collect(tmp_path / "dataset")
    with gin.unlock_config():
        gin.bind_parameter("SingleTargetDemonstrator.action_noise", 0.01)
    with pytest.raises(errors.RunError, match="settings of the demonstrator.*action_noise"):
        collection.check_origin(opened, tmp_path, SingleTargetDemonstrator, 4)


def test_first_frames_are_not_those_of_an_evaluation_of_the_same_seed(tmp_path):
    """An evaluation must not begin in the states of the demonstrations."""
    opened, _ = collect(tmp_path / "dataset")
    learned = {episode.frames.observation["pos_agent"][0].tobytes() for episode in opened.train}
    assert len(learned) == 5
    for number in range(5):
        environment = ParticleEnvironment()
        environment.seed(rollout_seeds.for_evaluation(4, number).environment)
        start = environment.reset().observation["pos_agent"]
        assert start.tobytes() not in learned


@pytest.mark.parametrize("name", ["num_episodes", "num_processes", "shard_episodes"])
def test_numbers_out_of_range_are_rejected(tmp_path, name):
    with pytest.raises(ValueError, match="of at least 1"):
        collect(tmp_path / "dataset", **{name: 0})
    assert not (tmp_path / "dataset").exists()
