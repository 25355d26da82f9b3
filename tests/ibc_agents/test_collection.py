"""Collected demonstrations depend on their seed and number alone, and end with LAST."""

import pathlib

import numpy as np
import pytest

from data import demonstrations
from environments.particle import ParticleDemonstrator, ParticleEnvironment
from ibc_agents import collection, errors, evaluation

FIRST, MID, LAST = 0, 1, 2


def collect(folder, num_episodes=5, seed=4, **options):
    rate = collection.collect(
        folder, ParticleEnvironment, ParticleDemonstrator, num_episodes, seed, **options
    )
    return demonstrations.Demonstrations.open(folder, validation_fraction=0.0), rate


def test_episode_depends_on_seed_and_number_alone(tmp_path):
    """Not on how many run at once, on how many there are, or on how they are sharded."""
    together, _ = collect(tmp_path / "a")
    alone, _ = collect(tmp_path / "b", batch_size=1, num_shards=1)
    more, _ = collect(tmp_path / "c", num_episodes=7, batch_size=3, num_shards=7)
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


def test_manifest_says_how_to_collect_them_again(tmp_path):
    opened, _ = collect(tmp_path / "dataset", num_shards=2)
    assert opened.manifest.extra == {
        "environment": "particle_2d",
        "demonstrator": "ParticleDemonstrator",
        "seed": 4,
    }
    assert len(opened.shards) == 2
    collection.check_seed(opened, tmp_path, 4)
    with pytest.raises(errors.RunError, match="holds demonstrations of seed 4, not 6"):
        collection.check_seed(opened, tmp_path, 6)


def test_first_frames_are_not_those_of_an_evaluation_of_the_same_seed(tmp_path):
    """A policy must not be judged by the very episodes that it learned from."""
    opened, _ = collect(tmp_path / "dataset")
    learned = {episode.frames.observation["pos_agent"][0].tobytes() for episode in opened.train}
    assert len(learned) == 5
    for number in range(5):
        environment = ParticleEnvironment()
        environment.seed(evaluation.episode_seeds(4, number)[0])
        start = environment.reset().observation["pos_agent"]
        assert start.tobytes() not in learned


@pytest.mark.parametrize("name", ["num_episodes", "batch_size", "num_shards"])
def test_numbers_out_of_range_are_refused(tmp_path, name):
    with pytest.raises(ValueError, match="of at least 1"):
        collect(tmp_path / "dataset", **{name: 0})
    assert not (tmp_path / "dataset").exists()


def test_folder_is_named_after_the_task_and_its_options():
    def hidden():
        return ParticleEnvironment(3, hide_velocity=True)

    folders = [
        collection.folder_of(pathlib.Path("data"), make, 30)
        for make in (ParticleEnvironment, hidden)
    ]
    assert folders[0] == pathlib.Path("data", "particle_2d_30")
    assert folders[1].name.startswith("particle_3d") and folders[1] != folders[0]
