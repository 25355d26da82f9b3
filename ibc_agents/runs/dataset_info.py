"""Identity, spec and statistics of the demonstrations of a run."""

from __future__ import annotations

import dataclasses
from typing import Any

from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory

from data.episodes import dataset_statistics
from data.reading import demonstrations as demonstrations_lib
from ibc_agents.core import errors, normalizer
from ibc_agents.rollouts import environment_info


@dataclasses.dataclass(frozen=True)
class DatasetInfo:
    """Identity, spec and statistics of a dataset: enough to make an agent.

    Attributes:
        name: Name of the dataset.
        dataset_hash: Hash of its episodes, hexadecimal.
        spec: Trajectory of `tf.TensorSpec` of one frame.
        statistics: Statistics of the training split, in the units of the environment.
        train_episodes: Number of episodes in the training split.
        validation_episodes: Number of held-out episodes.
    """

    name: str
    dataset_hash: str
    spec: trajectory.Trajectory
    statistics: dataset_statistics.Statistics
    train_episodes: int
    validation_episodes: int

    @classmethod
    def from_dataset(cls, dataset: demonstrations_lib.Demonstrations) -> DatasetInfo:
        """Describes a dataset, with one pass over its training split.

        Raises:
            data.DataError: If no frame has an executed action.
        """
        return cls(
            name=dataset.name,
            dataset_hash=dataset.dataset_hash,
            spec=dataset.spec,
            statistics=dataset_statistics.compute_statistics(dataset.train, dataset.spec),
            train_episodes=len(dataset.train),
            validation_episodes=len(dataset.validation),
        )

    def agent_specs(
        self, environment: environment_info.EnvironmentInfo | None
    ) -> tuple[ts.TimeStep, Any]:
        """Returns the time step spec and the action spec of an agent.

        Args:
            environment: Environment of the agent. None takes the specs of the dataset.

        Raises:
            RunError: If the dataset does not fit the environment.
        """
        spec = self.spec
        if environment is None:
            time_step_spec = ts.TimeStep(
                spec.step_type, spec.reward, spec.discount, spec.observation
            )
            return time_step_spec, spec.action
        difference = environment.spec_difference(spec)
        if difference:
            raise errors.RunError(
                f"the demonstrations {self.name} do not fit the environment {environment.name}: "
                f"{difference}."
            )
        return environment.time_step_spec, environment.action_spec

    def make_normalizer(
        self, time_step_spec: ts.TimeStep, action_spec: Any
    ) -> normalizer.Normalizer:
        """Makes the normalizer of an agent from the statistics.

        Args:
            time_step_spec: Time step spec of the agent.
            action_spec: Action spec of the agent.
        """
        return normalizer.Normalizer.from_statistics(
            self.statistics, time_step_spec.observation, action_spec
        )

    def summary(self) -> dict[str, Any]:
        """Returns the entry of `results.json`, as JSON types."""
        return {
            "name": self.name,
            "hash": self.dataset_hash,
            "train_episodes": self.train_episodes,
            "validation_episodes": self.validation_episodes,
        }
