"""Runs a demonstrator and writes what it does, shard by shard, in whichever process."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from tf_agents.policies import py_policy
from tf_agents.trajectories import trajectory

from data.episodes import episodes, specs
from data.shards import encoding, shard_writer, tfrecord
from environments import base
from ibc_agents.core import errors
from ibc_agents.rollouts import episode_loop

MakeDemonstrator = Callable[[Any], py_policy.PyPolicy]


@dataclasses.dataclass(frozen=True)
class ShardTask:
    """A shard to collect: its file, and its demonstrations `first` … `end` − 1."""

    path: str
    first: int
    end: int

    def __str__(self) -> str:
        if self.end == self.first + 1:
            return f"demonstration {self.first}"
        return f"demonstrations {self.first} to {self.end - 1}"


class ShardCollector:
    """Collects any shard of a dataset; can be pickled before it has begun.

    Args:
        make_environment: makes one environment.
        make_demonstrator: makes the demonstrator of a vector environment.
        environment_name: which the environments must have.
        rows: episodes that run at once.
        seed: episode k depends on (seed, k) alone.
        image_format: one of `encoding.IMAGE_FORMATS`.
        folder: the dataset's, for errors.
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
        self._open: _Open | None = None

    def __call__(self, task: ShardTask, report: Callable[[], Any]) -> shard_writer.Shard:
        """Collects a shard, with the number of `successes` in its extra.

        Args:
            task: which one.
            report: called after each episode.

        Raises:
            data.DataError: if it cannot be written.
            RunError: if this process makes another environment than its parent.
        """
        if self._open is None:
            self._open = self._begin()
        opened = self._open
        successes = 0
        with shard_writer.ShardWriter(
            task.path, opened.spec, self._image_format, self._folder
        ) as writer:
            for number, episode, success in self._episodes(opened, task):
                writer.write(number, episode)
                successes += success
                report()
        return shard_writer.describe(task.path, opened.reader, successes=successes)

    def close(self) -> None:
        """Closes the environment."""
        if self._open is not None:
            self._open.environment.close()

    def _begin(self) -> _Open:
        environment = base.vectorize(self._make_environment, self._rows)
        if environment.name != self._environment_name:
            raise errors.RunError(
                f"A worker process makes the environment {environment.name}, and its parent "
                f"{self._environment_name}. Say by gin or in the factory what is to be made, or "
                "use one process."
            )
        demonstrator = self._make_demonstrator(environment)
        spec = specs.as_trajectory_spec(demonstrator.trajectory_spec)
        return _Open(environment, demonstrator, spec, tfrecord.FrameReader(spec))

    def _episodes(
        self, opened: _Open, task: ShardTask
    ) -> Iterator[tuple[int, episodes.Episode, bool]]:
        """Runs episodes in waves; yields number, frames and outcome of each."""
        for first in range(task.first, task.end, self._rows):
            numbers = range(first, first + self._rows)
            opened.environment.seed(
                [
                    int(np.random.SeedSequence([self._seed, number]).generate_state(1)[0])
                    for number in numbers
                ]
            )
            wave = episode_loop.run_wave(opened.environment, opened.demonstrator)
            for number, (episode, success) in zip(numbers, wave, strict=True):
                if number < task.end:
                    yield number, episode, success


@dataclasses.dataclass(frozen=True)
class _Open:
    """What a collector that has begun works with."""

    environment: base.VectorEnvironment
    demonstrator: py_policy.PyPolicy
    spec: trajectory.Trajectory
    reader: tfrecord.FrameReader
