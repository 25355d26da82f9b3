"""Every method of gin_configs/methods learns: its policy improves on its untrained self.

Each method trains for seconds on 100 demonstrations of the 2-D particle, with the settings of its
gin file apart from small networks, short chains and few samples. The trained and the untrained
policy then act in the same episodes.
"""

import pathlib
import re

import gin
import numpy as np
import pytest
import tensorflow as tf
from tf_agents.utils import common

from data import windows_in_order
from environments import particle
from environments.base import vectorize
from ibc_agents.cli import gin_files
from ibc_agents.rollouts import actors, collection, episode_loop, rollout_seeds
from ibc_agents.runs import dataset_info, experiment
from tests.learning import improvement

METHODS = sorted(
    path.stem
    for path in pathlib.Path(gin_files.__file__).parents[2].glob("gin_configs/methods/*.gin")
)
SIGNIFICANCE = 1e-3
DEMONSTRATIONS = 100
EPISODES = 40
STEPS = 250
SMALL = (
    "Experiment.source = @InMemorySource()",
    "DemonstrationSettings.validation_fraction = 0.0",
    "TrainingSettings.batch_size = 128",
    f"num_steps = {STEPS}",
    "MlpEncoder.width = 64",
    "MlpEncoder.depth = 2",
)
# Largest values of settings that decide the duration of a training step or an action.
LIMITS = {"num_iterations": 5, "number": 64, "num_policy_samples": 64, "warmup_steps": 40}


class Closeness:
    """Scores episodes by how close the particle gets to both goals.

    The score is −(smallest distance to the first goal + final distance to the second goal), at most
    0. The reward of the task, which is 1 for success, would distinguish policies that almost
    succeed from others only after a longer training.
    """

    def __init__(self, batch_size):
        self.scores = np.zeros(batch_size)
        self._first = np.full(batch_size, np.inf)

    def observe(self, frame):
        seen = frame.time_step.observation
        to_first, to_second = (
            np.linalg.norm(seen["pos_agent"] - seen[goal], axis=-1)
            for goal in ("pos_first_goal", "pos_second_goal")
        )
        self._first = np.minimum(self._first, to_first)
        self.scores = np.where(frame.is_active, -(self._first + to_second), self.scores)


def scores_of(actor):
    environment = vectorize(particle.ParticleEnvironment, EPISODES)
    closeness = Closeness(EPISODES)
    seeds = [rollout_seeds.for_evaluation(0, episode) for episode in range(EPISODES)]
    episode_loop.run_episodes(environment, actor, seeds, [closeness])
    environment.close()
    return closeness.scores


def parse(method, dataset):
    files = ["gin_configs/tasks/particle.gin", f"gin_configs/methods/{method}.gin"]
    values = [*SMALL, f"DemonstrationSettings.dataset = '{dataset}'"]
    gin_files.parse_gin(files, values)
    found = re.findall(r"^(\S+)\.(\w+) = (\d+)$", gin.config_str(), re.MULTILINE)
    values += [
        f"{name}.{parameter} = {LIMITS[parameter]}"
        for name, parameter, value in found
        if int(value) > LIMITS.get(parameter, int(value))
    ]
    gin.clear_config()
    gin_files.parse_gin(files, values)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demonstrations") / "particle"
    make = particle.ParticleEnvironment, particle.ParticleDemonstrator
    collection.collect(folder, *make, DEMONSTRATIONS, seed=0)
    return folder


@pytest.mark.parametrize("method", METHODS)
def test_method_improves_on_its_untrained_policy(method, dataset, tmp_path, record_property):
    parse(method, dataset)
    run = experiment.Experiment.from_gin(tmp_path / "run", tmp_path / "data", seed=0)
    demonstrations = run.open_demonstrations()
    agent = run.build_agent(dataset_info.DatasetInfo.from_dataset(demonstrations))
    run.source.load(demonstrations.train, demonstrations.spec)
    batches = iter(run.source.dataset(agent.train_sequence_length, run.training.batch_size, 0))
    # An agent that stores demonstrations cannot act without any, so the untrained one has a window.
    agent.memorize([tf.nest.map_structure(lambda leaf: leaf[:1], next(batches)[0])])
    actor = actors.PolicyActor(agent.policy)
    before = scores_of(actor)

    windows = windows_in_order(demonstrations.train, agent.train_sequence_length, DEMONSTRATIONS)
    agent.memorize(windows)
    train = common.function(agent.train)
    for _ in range(run.training.num_steps):
        train(next(batches)[0])
    run.source.close()
    if not agent.policy.trainable_variables:
        actor = actors.PolicyActor(agent.policy)  # a traced policy keeps the index of its tracing
    after = scores_of(actor)
    found = improvement.p_value(before, after)
    print(f"{method}: {before.mean():.3f} to {after.mean():.3f}, p = {found}")
    assert found < SIGNIFICANCE, (before, after)
