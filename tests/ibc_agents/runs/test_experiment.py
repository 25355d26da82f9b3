"""Experiments: their demonstrations, and what happens before and during the training."""

import functools
import importlib
import json
import os
import pathlib
import sys
import traceback
import types
from concurrent import futures
from unittest import mock

import pytest
import reverb
import tensorflow as tf
from tf_agents.agents.dqn import dqn_agent
from tf_agents.trajectories import trajectory

import data
import ibc_agents
from data.sources import reverb_source
from environments.particle import ParticleDemonstrator, ParticleEnvironment
from ibc_agents import agents, networks
from ibc_agents.cli import command_line, common_flags, startup_logs
from ibc_agents.core import errors
from ibc_agents.rollouts import collection
from ibc_agents.runs import (
    dataset_info,
    evaluator,
    experiment,
    provenance,
    run_directory,
    settings,
    task,
)
from ibc_agents.runs.training import trainer
from tests.data.sources import listening
from tests.system import helpers

PACKAGE = pathlib.Path(ibc_agents.__file__).parent
EMPTY_INFO = dataset_info.DatasetInfo(
    "name", "hash", trajectory.Trajectory(*[()] * 7), data.Statistics((), ()), 1, 0
)


def make(folder, environment=ParticleEnvironment, agent=lambda **_: None, **demonstrations):
    return experiment.Experiment(
        root_dir=folder / "run",
        data_dir=folder,
        agent=agent,
        source=data.InMemorySource(),
        task=task.Task(environment, ParticleDemonstrator),
        demonstrations=settings.DemonstrationSettings(num_episodes=4, **demonstrations),
        training=settings.TrainingSettings(num_steps=2, batch_size=8),
        evaluation=settings.EvaluationSettings(num_episodes=2, recorded_episodes=0),
    )


class ObservedAgent(agents.MseAgent):
    """A small agent that calls `observe` when a training step is traced."""

    def __init__(self, *specs, observe, **parameters):
        super().__init__(
            *specs,
            encoder=networks.MlpEncoder(width=8, depth=2),
            optimizer=tf.keras.optimizers.Adam(1e-3),
            window=1,
            **parameters,
        )
        self._observe = observe

    def _train(self, experience, weights=None):
        self._observe()
        return super()._train(experience, weights)


class CountedEnvironment(ParticleEnvironment):
    """Counts its instances."""

    count = 0

    def __init__(self):
        super().__init__()
        CountedEnvironment.count += 1


def test_demonstrations_must_be_those_that_the_run_would_collect(tmp_path):
    """A tool that reads a finished run accepts the existing demonstrations."""
    dataset = make(tmp_path).open_demonstrations()
    other = make(tmp_path, seed=1)
    with pytest.raises(errors.RunError, match="with seed 0, not 1"):
        other.open_demonstrations()
    assert other.open_demonstrations(collect=False).dataset_hash == dataset.dataset_hash


def test_missing_demonstrations_are_an_error_without_collection(tmp_path):
    with pytest.raises(errors.RunError, match="are missing; .*--data_dir"):
        make(tmp_path).open_demonstrations(collect=False)
    assert not list(tmp_path.iterdir())


def test_the_folder_of_demonstrations_has_the_name_of_the_environment(tmp_path):
    for environment in (ParticleEnvironment, lambda: ParticleEnvironment(3, hide_velocity=True)):
        run = make(tmp_path, environment)
        run.open_demonstrations()
        assert (tmp_path / f"{run.environment_info.name}_4").is_dir()


def test_a_run_records_the_code_that_it_began_with(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "git_revision", lambda: "before")
    begun = make(tmp_path)
    monkeypatch.setattr(provenance, "git_revision", lambda: "after")
    agent = types.SimpleNamespace(
        train_step_counter=tf.constant(3),
        skipped_steps=tf.constant(0),
        normalizer=types.SimpleNamespace(constant_elements=dict),
    )
    assert begun.describe_training(agent, EMPTY_INFO, 0, [])["git_revision"] == "before"


def test_a_source_is_an_object_and_an_agent_is_a_factory(tmp_path):
    with pytest.raises(errors.SettingError, match="Experiment.source must be an object"):
        experiment.Experiment(tmp_path, tmp_path, agents.MseAgent, data.InMemorySource)
    with pytest.raises(
        errors.SettingError, match="Experiment.agent must be a factory.* got .*DqnAgent"
    ):
        make(tmp_path, agent=dqn_agent.DqnAgent)
    foreign = make(tmp_path, agent=lambda *_, **__: "agent")
    with pytest.raises(errors.RunError, match="makes a str, which is no BehavioralCloningAgent"):
        foreign.make_agent(foreign.open_demonstrations())
    with pytest.raises(errors.SettingError, match="Experiment.agent must be a factory"):
        experiment.Experiment(tmp_path, tmp_path, 3, data.InMemorySource())


def test_the_way_from_the_command_to_the_training_step(tmp_path, monkeypatch):
    """Five calls and one environment for the specs; a second one collects the demonstrations."""
    calls, environments = [], []

    def observe():
        calls.append(own_calls_before_the_learner())
        environments.append(CountedEnvironment.count)

    CountedEnvironment.count = 0
    run = make(tmp_path, CountedEnvironment, functools.partial(ObservedAgent, observe=observe))
    monkeypatch.setattr(common_flags, "experiment_from_flags", lambda: run)
    monkeypatch.setattr(startup_logs, "silence_startup_logs", lambda: None)
    monkeypatch.setattr(sys, "argv", ["train"])
    # Importing a command defines its flags, and other commands define the same names.
    with helpers.own_flags():
        command_line.run(importlib.import_module("ibc_agents.train").main)
    monkeypatch.delitem(sys.modules, "ibc_agents.train")
    way = ["command_line.run", "train.main", "experiment.run", "experiment._run", "trainer.train"]
    assert calls[0] == way
    assert environments[0] == 2
    assert json.loads((tmp_path / "run" / "results.json").read_text())["train_steps"] == 2


def test_an_interrupted_run_continues_at_its_last_step(tmp_path, monkeypatch):
    def interrupt(trainer):
        raise KeyboardInterrupt

    agent = functools.partial(ObservedAgent, observe=lambda: None)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(trainer.Trainer, "_validate", interrupt)
        run = make(tmp_path, agent=agent)
        run.training = settings.TrainingSettings(2, batch_size=8, validation_interval=1)
        run.run()
    results = make(tmp_path, agent=agent).run()
    assert (results["resumed_at_step"], results["train_steps"]) == (1, 2)


def test_one_environment_is_made_if_the_demonstrations_are_there(tmp_path):
    make(tmp_path).open_demonstrations()
    CountedEnvironment.count = 0
    agent = functools.partial(ObservedAgent, observe=lambda: None)
    run = make(tmp_path, CountedEnvironment, agent)
    run.make_agent(run.open_demonstrations())
    assert CountedEnvironment.count == 1


def test_a_run_without_its_demonstrations_ends_with_one_message(tmp_path, monkeypatch):
    """The replay server is emptied when the first step is traced."""
    monkeypatch.setattr(reverb_source, "_SECONDS_WITHOUT_SAMPLE", 0.2)
    before = listening.listening_ports(os.getpid())

    def empty():
        (port,) = listening.listening_ports(os.getpid()) - before
        reverb.Client(f"localhost:{port}").reset("demonstrations")

    run = make(tmp_path, agent=functools.partial(ObservedAgent, observe=empty))
    run.source = reverb_source.ReverbSource(shuffle_windows=1)
    run.training = settings.TrainingSettings(num_steps=1000, batch_size=8)
    with pytest.raises(data.DataError, match="the Reverb server has lost demonstrations: it holds"):
        run.run()


def own_calls_before_the_learner():
    """Functions of ibc_agents on the stack that called TF-Agents' Learner, outermost first."""
    names = []
    for frame in traceback.extract_stack():
        path = pathlib.Path(frame.filename)
        if path.parts[-3:] == ("tf_agents", "train", "learner.py"):
            return names
        if path.is_relative_to(PACKAGE):
            names.append(f"{path.stem}.{frame.name}")
    raise AssertionError("the Learner is not on the stack")


def test_a_run_in_use_is_not_touched(tmp_path):
    run = make(tmp_path)
    directory = run_directory.RunDirectory(run.root_dir)
    with directory.locked():
        with pytest.raises(errors.RunError, match=f"{run.root_dir} is in use by process"):
            run.run()
        assert [path.name for path in directory.path.iterdir()] == [".lock-run"]
    assert not list(directory.path.iterdir())


def test_runs_that_share_a_data_dir_wait_for_the_first_collection(tmp_path, capsys):
    """The others print one line, and use the demonstrations of the first."""
    collected = []
    collect = collection.collect

    def counted(*arguments, **settings):
        collected.append(collect(*arguments, **settings))

    with mock.patch.object(collection, "collect", counted):
        runs = [make(tmp_path) for _ in range(3)]
        with futures.ThreadPoolExecutor() as pool:
            datasets = list(pool.map(lambda run: run.open_demonstrations(), runs))
    assert len(collected) == 1
    assert len({dataset.dataset_hash for dataset in datasets}) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 2
    assert all(f"which collects {tmp_path / 'particle_2d_4'}" in line for line in lines)
    assert [path.name for path in tmp_path.iterdir()] == ["particle_2d_4"]


def test_a_failing_video_does_not_cost_the_outcomes(tmp_path, monkeypatch):
    failing = mock.Mock(side_effect=errors.RunError("cannot write the video."))
    monkeypatch.setattr(evaluator.Evaluator, "write_video", failing)
    run = make(tmp_path, agent=functools.partial(ObservedAgent, observe=lambda: None))
    with pytest.raises(errors.RunError, match="cannot write the video"):
        run.run()
    assert json.loads((tmp_path / "run" / "results.json").read_text())["train_steps"] == 2
