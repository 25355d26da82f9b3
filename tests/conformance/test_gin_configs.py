"""Every gin file satisfies the rules of its folder.

The cells are each task with each method (`gin_configs/tasks` × `gin_configs/methods`), each task
with the published settings of its domain, and the recipes. Every cell builds its agent and uses
all of its bindings; every method takes two training steps on each kind of task.
"""

import collections
import functools
import pathlib
import re
from typing import NamedTuple
from unittest import mock

import gin
import numpy as np
import pytest
from tf_agents.policies import random_py_policy

import data
from environments.base import Environment
from ibc_agents.cli import gin_files
from ibc_agents.rollouts import collection
from ibc_agents.runs import experiment as experiment_lib
from ibc_agents.runs import task as task_lib

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "gin_configs"
SMALL = ("TrainingSettings.batch_size = 2", "EvaluationSettings.num_episodes = 1")
CHAIN_LENGTH = 2


class Cell(NamedTuple):
    """The gin files of a run, by their paths in `gin_configs` without the suffix.

    Attributes:
        files: the task first.
        trains: whether the test takes training steps.
    """

    files: tuple[str, ...]
    trains: bool

    def __str__(self):
        return "+".join(self.files)

    @property
    def environment(self):
        """The files that configure the environment."""
        task = {"tasks/dataset": "tasks/particle"}.get(self.files[0], self.files[0])
        others = (name for name in self.files[1:] if "Environment." in text_of(name))
        return (task, *others)


def names(folder):
    """Returns the files of a folder and its subfolders, as relative paths without the suffix."""
    paths = sorted((FOLDER / folder).rglob("*.gin"))
    return [str(path.relative_to(FOLDER / folder).with_suffix("")) for path in paths]


def text_of(name):
    return (FOLDER / f"{name}.gin").read_text()


def includes(name):
    """Returns the direct includes of a file."""
    return re.findall(r"^include 'gin_configs/(.+)\.gin'$", text_of(name), re.MULTILINE)


def included(name):
    """Returns the direct and indirect includes of a file."""
    found = includes(name)
    return set(found).union(*(included(other) for other in found))


def tasks_of(name):
    """Returns the tasks of published settings, `paper/DOMAIN_METHOD.gin`."""
    domains = {
        "particle": ["particle"],
        "pushing_pixels": ["pushing_pixels"],
        "pushing": [t for t in TASKS if t.startswith("pushing_") and t != "pushing_pixels"],
        "d4rl": D4RL,
    }
    return next(tasks for domain, tasks in domains.items() if name.startswith(f"{domain}_"))


TASKS = names("tasks")
METHODS = names("methods")
D4RL = [task for task in TASKS if task.startswith("d4rl/")]
KITCHEN = [task for task in D4RL if "kitchen" in task]
PUSH_T = [task for task in TASKS if task.startswith("push_t_")]
# One task of each kind of observations and actions, on which every method trains.
TRAINED = ("particle", "pushing_pixels", "d4rl/kitchen_complete")
SHORT = [path.stem for path in sorted(FOLDER.glob("*.gin"))]
RECIPES = [f"recipes/{name}" for name in names("recipes")]
REPLACES_A_METHOD = "recipes/kitchen"

CELLS = [
    *(
        Cell((f"tasks/{task}", f"methods/{method}"), task in TRAINED)
        for task in TASKS
        for method in METHODS
    ),
    *(
        Cell((f"tasks/{task}", f"paper/{name}"), task == tasks_of(name)[0])
        for name in names("paper")
        for task in tasks_of(name)
    ),
    *(Cell((f"tasks/{task}", REPLACES_A_METHOD), task == KITCHEN[0]) for task in KITCHEN),
    *(Cell((name,), True) for name in RECIPES if name != REPLACES_A_METHOD),
]


class Shown(NamedTuple):
    """The environment of a task, and its demonstrations."""

    dataset: pathlib.Path
    used: frozenset


def settings_in_force():
    """Returns scope, class and parameter of every binding."""
    return {
        (scope, selector, parameter)
        for (scope, selector), values in gin.config._CONFIG.items()
        for parameter in values
    }


def settings_used():
    """Returns the bindings that constructors have used so far."""
    taken = collections.defaultdict(list)
    for (scopes, selector), values in gin.config._OPERATIVE_CONFIG.items():
        for parameter in values:
            taken[selector, parameter].append(f"/{scopes}/")
    return frozenset(
        (scope, *setting)
        for scope, *setting in settings_in_force()
        if any(not scope or f"/{scope}/" in scopes for scopes in taken[tuple(setting)])
    )


def random_demonstrator(environment):
    return random_py_policy.RandomPyPolicy(
        environment.time_step_spec(), environment.action_spec(), seed=0
    )


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """Makes the environments and the demonstrator of each task once, and a small dataset."""
    parent = tmp_path_factory.mktemp("demonstrations")

    @functools.cache
    def show(files):
        gin.clear_config()
        gin_files.parse_gin([f"gin_configs/{name}.gin" for name in files], [])
        made = task_lib.Task()
        environment = made.environment()
        if made.demonstrator is not None:
            made.demonstrator(environment)
        made.evaluation_environment().close()
        kind = type(environment)
        with mock.patch.object(kind, "max_episode_steps", 5):
            folder = parent / "_".join(files).replace("/", "_")
            collection.collect(folder, kind, random_demonstrator, 4, seed=0)
        used = settings_used()
        gin.clear_config()
        return Shown(folder, used)

    return show


@functools.cache
def open_dataset(folder, validation_fraction, top_return_fraction):
    """Reads the small dataset of an environment once for all of its cells."""
    return data.Demonstrations.open(folder, validation_fraction, top_return_fraction)


def parse(cell, dataset):
    """Parses the files of a cell, with bindings of a small run."""
    files = [f"gin_configs/{name}.gin" for name in cell.files]
    values = [*SMALL, f"DemonstrationSettings.dataset = '{dataset}'"]
    gin_files.parse_gin(files, values)
    if cell.trains:
        chains = re.findall(r"^(\S*Langevin\.num_iterations) =", gin.config_str(), re.MULTILINE)
        gin.clear_config()
        gin_files.parse_gin(files, [*values, *(f"{name} = {CHAIN_LENGTH}" for name in chains)])


@functools.cache
def may_be_unused(files):
    """Returns bindings that a cell may leave unused: the encoder that tasks offer to every method.

    The nearest neighbor and the published energies do not encode, and image encoders fix the batch
    size. The recipe of the kitchen replaces the search of basins.
    """
    gin.clear_config()
    gin_files.parse_gin(["gin_configs/encoders/pixels.gin"], [])
    found = settings_in_force()
    gin.clear_config()
    if REPLACES_A_METHOD in files:
        gin_files.parse_gin([f"gin_configs/{name}.gin" for name in files], [])
        search = (".EachBasin", ".Sequence")
        found |= {s for s in settings_in_force() if s[0] == "basin" or s[1].endswith(search)}
        gin.clear_config()
    return frozenset(found)


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_cell_uses_what_it_binds_and_trains(cell, tmp_path, shown, monkeypatch):
    monkeypatch.chdir(tmp_path)  # files are found from any folder
    dataset, used_by_environment = shown(cell.environment)
    allowed = may_be_unused(cell.files) | used_by_environment
    parse(cell, dataset)

    experiment = experiment_lib.Experiment.from_gin("run", tmp_path / "data")
    config = experiment.demonstrations
    opened = open_dataset(config.dataset, config.validation_fraction, config.top_return_fraction)
    agent = experiment.make_agent(opened)
    unused = settings_in_force() - settings_used() - allowed
    assert not unused
    if not cell.trains:
        return

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
    if not before:  # an agent without weights reproduces the stored actions
        assert losses == [0.0, 0.0]
        return
    changes = [
        np.max(np.abs(np.array(variable) - old))
        for variable, old in zip(agent.policy.trainable_variables, before, strict=True)
    ]
    # Adam changes every weight with a gradient; ReLUs may be inactive on two examples.
    assert np.mean(np.array(changes) > 0) > 0.5


@pytest.mark.parametrize("task", [task for task in TASKS if task != "dataset"])
def test_task_has_an_environment_and_a_demonstrator(task, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert gin_files.environment_files(task) == [f"gin_configs/tasks/{task}.gin"]
    gin_files.parse_gin([f"gin_configs/tasks/{task}.gin"], [])
    made = task_lib.Task()
    environment = made.environment()
    assert isinstance(environment, Environment)
    assert environment.name.startswith(task.removesuffix("_states").replace("/", "_"))
    if task in (*D4RL, *PUSH_T):  # has human demonstrations
        assert made.demonstrator is None
        return
    demonstrator = made.demonstrator(environment)
    environment.seed(0)
    time_step = environment.reset()
    step = demonstrator.action(time_step, demonstrator.get_initial_state())
    assert not environment.step(step.action).is_first()


def test_every_part_is_included():
    parts = {f"{folder}/{name}" for folder in ("shared", "encoders") for name in names(folder)}
    cells = {name for cell in CELLS for name in cell.files}
    assert parts <= set().union(*(included(name) for name in cells))


@pytest.mark.parametrize("name", SHORT)
def test_short_names_include_a_cell_and_bind_nothing(name):
    assert tuple(includes(name)) in {cell.files for cell in CELLS}
    assert len(text_of(name).splitlines()) == len(includes(name))
