"""Which demonstrations an experiment takes."""

import pytest

import data
from environments.particle import ParticleDemonstrator, ParticleEnvironment
from ibc_agents import errors, experiment, settings, task


def make(data_dir, **demonstrations):
    return experiment.Experiment(
        root_dir=data_dir / "run",
        data_dir=data_dir,
        agent=lambda **_: None,
        source=data.InMemorySource(),
        task=task.Task(ParticleEnvironment, ParticleDemonstrator),
        demonstrations=settings.DemonstrationSettings(num_episodes=4, **demonstrations),
    )


def test_trains_on_what_it_would_collect_itself_and_looks_back_at_what_is_there(tmp_path):
    """A finished run's configuration no longer says how its demonstrations were made."""
    opened = make(tmp_path).open_demonstrations()
    other = make(tmp_path, seed=1)
    with pytest.raises(errors.RunError, match="with seed 0, not 1"):
        other.open_demonstrations()
    assert other.open_demonstrations(collect=False).dataset_hash == opened.dataset_hash


def test_does_not_collect_where_it_must_not(tmp_path):
    with pytest.raises(errors.RunError, match="are not there.*--data_dir"):
        make(tmp_path).open_demonstrations(collect=False)
    assert not list(tmp_path.iterdir())
