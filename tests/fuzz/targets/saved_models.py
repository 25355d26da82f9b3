"""SavedModels of policies: those that a run exports, and those of other programs."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import tensorflow as tf
from tf_agents.specs import tensor_spec

from environments import particle
from ibc_agents import agents, networks
from ibc_agents.core import normalizer
from ibc_agents.rollouts import environment_info, saved_policy
from tests.fuzz import mutations
from tests.fuzz import target as target_lib
from tests.ibc_agents import helpers

_ROWS = 2


class ForeignSavedModels(target_lib.Target):
    """Loads a SavedModel without checksums, of which any file is damaged, and lets it act."""

    name = "foreign_saved_models"
    mutants = 60

    def prepare(self, folder: pathlib.Path) -> None:
        self._environment = environment_info.EnvironmentInfo.from_factory(_make)
        agent = self._agent = _make_agent(self._environment)
        saved_policy.export(agent.policy, folder / "policy", agent.train_step_counter)
        self._expected = self._act(agent.policy)
        (folder / "policy" / saved_policy.CHECKSUMS).unlink()

    def damage(self, folder: pathlib.Path, generator: np.random.Generator) -> str:
        return mutations.damage_folder(folder / "policy", generator)

    def read(self, folder: pathlib.Path) -> None:
        action = self._act(saved_policy.load(folder / "policy", self._environment))
        if not np.isfinite(action).all():
            raise target_lib.Wrong(f"the action is {action}")
        self._check(action)

    def _act(self, policy: Any) -> np.ndarray:
        time_step = tensor_spec.zero_spec_nest(self._environment.time_step_spec, outer_dims=[_ROWS])
        return policy.action(time_step, policy.get_initial_state(_ROWS)).action.numpy()

    def _check(self, action: np.ndarray) -> None:
        """Accepts any action: nothing states what the graph was before the damage."""


class SavedModels(ForeignSavedModels):
    """Loads the policy that a run exports, of which any file is damaged, and lets it act."""

    name = "saved_models"
    mutants = 250

    def prepare(self, folder: pathlib.Path) -> None:
        super().prepare(folder)
        saved_policy.export(self._agent.policy, folder / "policy", self._agent.train_step_counter)

    def _check(self, action: np.ndarray) -> None:
        if not np.allclose(action, self._expected, atol=1e-6):
            raise target_lib.Wrong("the policy acts differently")


def _make() -> particle.ParticleEnvironment:
    return particle.ParticleEnvironment(dimension=2)


def _make_agent(environment: environment_info.EnvironmentInfo) -> agents.MseAgent:
    observation = environment.time_step_spec.observation
    leaf = helpers.leaf_statistics(np.array([[0.0, 0.0], [1.0, 1.0]]))
    statistics = normalizer.data_statistics.Statistics(
        tf.nest.map_structure(lambda _: leaf, observation), leaf
    )
    agent = agents.MseAgent(
        environment.time_step_spec,
        environment.action_spec,
        normalizer.Normalizer.from_statistics(statistics, observation, environment.action_spec),
        encoder=networks.MlpEncoder(width=4, depth=2),
        optimizer=tf.keras.optimizers.Adam(),
        window=1,
        train_step_counter=tf.Variable(0, dtype=tf.int64),
    )
    agent.initialize()
    return agent


TARGETS = [SavedModels(), ForeignSavedModels()]
