"""Which demonstrations an experiment takes."""

import types

import pytest
import tensorflow as tf

import data
from environments.particle import ParticleDemonstrator, ParticleEnvironment
from ibc_agents.core import errors
from ibc_agents.runs import experiment, provenance, settings, task


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


def test_a_run_is_of_the_code_that_it_began_with(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "git_revision", lambda: "before")
    begun = make(tmp_path)
    monkeypatch.setattr(provenance, "git_revision", lambda: "after")
    agent = types.SimpleNamespace(train_step_counter=tf.constant(3), skipped_steps=tf.constant(0))
    card = types.SimpleNamespace(name="", dataset_hash="", train_episodes=1, validation_episodes=0)
    assert begun.describe_training(agent, card, first_step=0)["git_revision"] == "before"
