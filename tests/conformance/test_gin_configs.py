"""Every shipped gin file does what its kind promises.

A file that names an agent and what to learn from is a run: it builds and takes two training steps.
A `*_environment.gin` gives a task. Everything else is there to be included.
"""

import functools
import pathlib
import re
from unittest import mock

import gin
import numpy as np
import pytest
from tf_agents.policies import random_py_policy

from environments.base import Environment
from environments.particle import ParticleEnvironment
from ibc_agents.cli import gin_files
from ibc_agents.rollouts import collection
from ibc_agents.runs import experiment as experiment_lib
from ibc_agents.runs import task as task_lib

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATHS = sorted((ROOT / "gin_configs").rglob("*.gin"))
NAMES = [str(path.relative_to(ROOT)) for path in PATHS]
ENVIRONMENTS = [name for name in NAMES if name.endswith("_environment.gin")]
# What makes a run small whatever its size: the networks stay as they are.
SMALL = (
    "DemonstrationSettings.num_episodes = 4",
    "TrainingSettings.batch_size = 2",
    "EvaluationSettings.num_episodes = 1",
)
CHAIN_LENGTH = 2


def included(name):
    """A file's includes, all the way."""
    found = re.findall(r"^include ['\"](.+)['\"]", (ROOT / name).read_text(), re.MULTILINE)
    return set(found).union(*(included(other) for other in found))


def binds(name, key):
    texts = [(ROOT / part).read_text() for part in {name, *included(name)}]
    return any(re.search(rf"^{re.escape(key)} *=", text, re.MULTILINE) for text in texts)


def is_run(name):
    learns_from = ("Task.environment", "DemonstrationSettings.dataset")
    return binds(name, "Experiment.agent") and any(binds(name, key) for key in learns_from)


RUNS = [name for name in NAMES if is_run(name)]


def test_every_file_is_a_run_or_a_task_or_part_of_one():
    assert "gin_configs/particle.gin" in RUNS
    assert "gin_configs/particle_environment.gin" in ENVIRONMENTS
    parts = set().union(*(included(name) for name in NAMES))
    assert set(NAMES) <= {*RUNS, *ENVIRONMENTS, *parts}


def random_demonstrator(environment):
    return random_py_policy.RandomPyPolicy(
        environment.time_step_spec(), environment.action_spec(), seed=0
    )


@pytest.fixture(scope="module")
def dataset_of(tmp_path_factory):
    """Demonstrations in an environment, for the runs that ask for a dataset of the user's own."""
    parent = tmp_path_factory.mktemp("demonstrations")

    @functools.cache
    def write(environment):
        folder = parent / environment.__name__
        with mock.patch.object(environment, "max_episode_steps", 5):
            collection.collect(folder, environment, random_demonstrator, 4, seed=0)
        return folder

    return write


@pytest.mark.parametrize("name", RUNS)
def test_run_takes_two_steps(name, tmp_path, dataset_of, monkeypatch):
    monkeypatch.chdir(tmp_path)  # found from any folder
    needs_dataset = binds(name, "DemonstrationSettings.dataset")
    values = ["DemonstrationSettings.dataset = 'not there yet'"] if needs_dataset else []
    gin_files.parse_gin([name], [*SMALL, *values])
    if needs_dataset:
        environment = type((task_lib.Task().environment or ParticleEnvironment)())
        values = [f"DemonstrationSettings.dataset = '{dataset_of(environment)}'"]
    chains = re.findall(r"^(\S*Langevin\.num_iterations) =", gin.config_str(), re.MULTILINE)
    gin.clear_config()
    shorter = [f"{chain} = {CHAIN_LENGTH}" for chain in chains]
    gin_files.parse_gin([name], [*SMALL, *values, *shorter])

    experiment = experiment_lib.Experiment.from_gin("run", tmp_path / "data")
    opened = experiment.open_demonstrations()
    agent = experiment.make_agent(opened)
    agent.initialize()
    experiment.source.load(opened.train, opened.spec)
    try:
        window = agent.train_sequence_length
        batches = iter(experiment.source.dataset(window, experiment.training.batch_size, 0))
        before = [np.array(variable) for variable in agent.policy.trainable_variables]
        losses = [float(agent.train(next(batches)[0]).loss) for _ in range(2)]
    finally:
        experiment.source.close()
    assert np.all(np.isfinite(losses)), losses
    assert agent.train_step_counter.numpy() == 2
    assert agent.skipped_steps.numpy() == 0
    if not before:  # an agent that memorises: of what it has seen it knows the answer
        assert losses == [0.0, 0.0]
        return
    changes = [
        np.max(np.abs(np.array(variable) - old))
        for variable, old in zip(agent.policy.trainable_variables, before, strict=True)
    ]
    # Adam moves whatever has a gradient; ReLUs may be dead on two examples.
    assert np.mean(np.array(changes) > 0) > 0.5


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_environment_file_gives_a_task(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    short = pathlib.Path(name).name.removesuffix("_environment.gin")
    assert gin_files.environment_files(short) == [name]
    gin_files.parse_gin([name], [])
    task = task_lib.Task()
    environment = task.environment()
    assert isinstance(environment, Environment) and environment.name.startswith(short)
    if task.demonstrator is not None:
        demonstrator = task.demonstrator(environment)
        environment.seed(0)
        time_step = environment.reset()
        step = demonstrator.action(time_step, demonstrator.get_initial_state())
        assert not environment.step(step.action).is_first()
