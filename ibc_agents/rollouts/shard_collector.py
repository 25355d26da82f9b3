"""Collects one shard of demonstrations at a time, in this process or in a worker process."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator
from typing import Any

from tf_agents.policies import py_policy
from tf_agents.trajectories import trajectory

from data import episodes
from data.episodes import specs
from data.shards import encoding, shard_reader, shard_summary, shard_writer
from environments import base
from ibc_agents.core import errors
from ibc_agents.rollouts import actors, recorders, rollout_seeds

MakeDemonstrator = Callable[[Any], py_policy.PyPolicy]


@dataclasses.dataclass(frozen=True)
class ShardTask:
    """A shard to collect.

    Attributes:
        path: File of the shard.
        first: Number of its first demonstration.
        end: Number of its last demonstration, plus 1.
    """

    path: str
    first: int
    end: int

    def __str__(self) -> str:
        if self.end == self.first + 1:
            return f"demonstration {self.first}"
        return f"demonstrations {self.first} to {self.end - 1}"


class ShardCollector:
    """Collects the shards of one dataset. It can be pickled before its first call.

    Args:
        make_environment: Makes one environment.
        make_demonstrator: Makes the demonstrator of a vector environment.
        environment_name: Expected name of the environment.
        rows: Number of episodes that run at once, at least 1.
        seed: Seed of the dataset. Demonstration k depends on (seed, k) alone.
        image_format: One of `encoding.IMAGE_FORMATS`.
        folder: Folder of the dataset, for error messages.
    """

    def __init__(
        self,
        make_environment: Callable[[], base.Environment],
        make_demonstrator: MakeDemonstrator,
        *,
        environment_name: str,
        rows: int,
        seed: int,
        image_format: encoding.ImageFormat,
        folder: str | os.PathLike,
    ) -> None:
        self._make_environment = make_environment
        self._make_demonstrator = make_demonstrator
        self._environment_name = environment_name
        self._rows = rows
        self._seed = seed
        self._image_format = image_format
        self._folder = folder
        self._simulation: _Simulation | None = None

    def __call__(self, task: ShardTask, report: Callable[[], Any]) -> shard_summary.ShardSummary:
        """Collects a shard.

        Args:
            task: The shard to collect.
            report: Called after each episode.

        Returns:
            The description of the shard. Its `extra` holds the number of `successes`.

        Raises:
            data.DataError: If the shard cannot be written.
            RunError: If this process makes a different environment from its parent.
        """
        if self._simulation is None:
            self._simulation = self._make_simulation()
        simulation = self._simulation
        successes = 0
        with shard_writer.ShardWriter(
            task.path, simulation.spec, self._image_format, self._folder
        ) as writer:
            for number, episode, success in self._run(simulation, task):
                writer.write(number, episode)
                successes += success
                report()
        return shard_summary.summarize_shard(task.path, simulation.reader, successes=successes)

    def close(self) -> None:
        """Closes the environment."""
        if self._simulation is not None:
            self._simulation.environment.close()

    def _make_simulation(self) -> _Simulation:
        environment = base.vectorize(self._make_environment, self._rows)
        if environment.name != self._environment_name:
            raise errors.RunError(
                f"A worker process makes the environment {environment.name}, and its parent "
                f"{self._environment_name}. Configure the environment by gin or in its factory, "
                "or use one process."
            )
        demonstrator = self._make_demonstrator(environment)
        spec = specs.as_trajectory_spec(demonstrator.trajectory_spec)
        actor = actors.DemonstratorActor(demonstrator)
        return _Simulation(environment, actor, spec, shard_reader.FrameReader(spec))

    def _run(
        self, simulation: _Simulation, task: ShardTask
    ) -> Iterator[tuple[int, episodes.Episode, bool]]:
        """Yields number, frames and success of each demonstration of a shard."""
        for first in range(task.first, task.end, self._rows):
            numbers = range(first, first + self._rows)
            recorded = recorders.record_episodes(
                simulation.environment,
                simulation.actor,
                [rollout_seeds.for_collection(self._seed, number) for number in numbers],
            )
            for number, (episode, success) in zip(numbers, recorded, strict=True):
                if number < task.end:
                    yield number, episode, success


@dataclasses.dataclass(frozen=True)
class _Simulation:
    """The environment and the actor, which a collector makes at its first call."""

    environment: base.VectorEnvironment
    actor: actors.DemonstratorActor
    spec: trajectory.Trajectory
    reader: shard_reader.FrameReader
