"""Configurations whose agent is built, trained for a step and asked for an action."""

from __future__ import annotations

import math
import pathlib

import gin
import numpy as np
import tensorflow as tf
from tf_agents.utils import nest_utils

from environments import particle
from ibc_agents.cli import gin_files
from ibc_agents.rollouts import collection
from ibc_agents.runs import dataset_info, experiment
from tests.fuzz import mutations
from tests.fuzz import target as target_lib
from tests.fuzz.targets import _gin

_METHODS = ("mse", "mdn", "nearest_neighbor", "ibc", "ibc_langevin", "ibc_autoregressive")
_MOST_BINDINGS = 2
_SMALL = (
    "Experiment.source = @InMemorySource()",
    "DemonstrationSettings.dataset = 'FOLDER/dataset'",
    "num_steps = 2",
    "batch_size = 4",
    "encoder = @MlpEncoder()",
    "MlpEncoder.width = 4",
    "MlpEncoder.depth = 2",
)
_SMALL_IMPLICIT = ("MlpEnergyNetwork.width = 4", "PolicySearch.number = 4")
_SMALL_LANGEVIN = ("train/Langevin.num_iterations = 2", "policy/Langevin.num_iterations = 2")
_SMALL_OF_METHODS = {
    "nearest_neighbor": ("NearestNeighborAgent.encoder = %encoder",),
    "ibc": (*_SMALL_IMPLICIT, *_SMALL_LANGEVIN, "basin/Langevin.num_iterations = 2"),
    "ibc_langevin": (*_SMALL_IMPLICIT, *_SMALL_LANGEVIN),
    "ibc_autoregressive": _SMALL_IMPLICIT,
}


class GinBuilt(target_lib.Target):
    """All settings of a small run of one method, with their defaults."""

    name = "gin_built"
    mutants = 500

    def prepare(self, folder: pathlib.Path) -> None:
        make = particle.ParticleEnvironment
        collection.collect(folder / "dataset", make, particle.ParticleDemonstrator, 3, 0)
        for method in reversed(_METHODS):
            files = ["gin_configs/tasks/particle.gin", f"gin_configs/methods/{method}.gin"]
            bindings = (*_SMALL, *_SMALL_OF_METHODS.get(method, ()))
            gin_files.parse_gin(files, [line.replace("FOLDER", str(folder)) for line in bindings])
            _use(folder)
            text = gin.operative_config_str(max_line_length=1_000)
            text = text.replace(str(folder), "FOLDER")
            (folder / f"{method}.gin").write_text(text)
            (folder / "main.gin").write_text(text)

    def damage(self, folder: pathlib.Path, generator: np.random.Generator) -> str:
        method = mutations.choose(generator, _METHODS)
        text, descriptions = (folder / f"{method}.gin").read_text(), [method]
        for _ in range(1 + int(generator.integers(_MOST_BINDINGS))):
            text, description = _gin.replace_value(text, generator)
            descriptions.append(description)
        (folder / "main.gin").write_text(text)
        return "; ".join(descriptions)

    def read(self, folder: pathlib.Path) -> None:
        path = folder / "main.gin"
        path.write_text(path.read_text().replace("FOLDER", str(folder)))
        with _gin.as_command():
            gin_files.parse_gin([str(path)], [])
            _use(folder)


def _use(folder: pathlib.Path) -> None:
    """Builds the configured agent, trains it for a step, and asks it for an action."""
    run = experiment.Experiment.from_gin(folder / "run", folder)
    dataset = run.open_demonstrations(collect=False)
    agent = run.make_agent(dataset, dataset_info.DatasetInfo.from_dataset(dataset))
    agent.initialize()
    run.source.load(dataset.train, dataset.spec)
    batches = run.source.dataset(agent.train_sequence_length, run.training.batch_size, run.seed)
    batch, info = next(iter(batches))
    loss = agent.train(batch)
    run.source.feedback(info, loss.extra["example_losses"])
    run.source.close()
    if run.task.evaluation_environment is None:
        return
    environment = run.task.evaluation_environment()
    time_step = nest_utils.batch_nested_array(environment.reset())
    time_step = tf.nest.map_structure(tf.constant, time_step)
    action = agent.policy.action(time_step, agent.policy.get_initial_state(1)).action.numpy()
    spec = environment.action_spec()
    if not (action >= spec.minimum - 1e-5).all() or not (action <= spec.maximum + 1e-5).all():
        raise target_lib.Wrong(f"the action {action} is out of bounds")
    if math.isnan(float(loss.loss)) and not int(agent.skipped_steps):
        raise target_lib.Wrong("a step with a loss of NaN was applied")


TARGETS = [GinBuilt()]
