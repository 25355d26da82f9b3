"""Stores the episodes of actors on disk and adds them to a replay server."""

from __future__ import annotations

import math
import pathlib
import re
import time
from collections.abc import Iterable

from tf_agents.trajectories import trajectory

from data import episodes as episodes_lib
from data.episodes import specs
from data.reading import demonstrations
from data.sources import replay_server
from data.writing import episode_writer
from ibc_agents.core import errors
from ibc_agents.distributed.messaging import job_spec

# A dataset is written when it has this many episodes, or when the first one has this age.
_EPISODES_PER_DATASET = 50
_LONGEST_WAIT_SECONDS = 30.0
_FOLDER_NAME = re.compile(r"(\d+)-server-(\d+)")


class GatheredEpisodes:
    """Writes episodes of actors to small datasets and adds them to a replay server.

    An episode can be sampled once it is on disk, so that a restarted server has all episodes of
    its predecessor. Duplicate episodes are dropped.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        partition: job_spec.Partition,
        spec: trajectory.Trajectory,
        server: replay_server.ReplayServer,
        window: int,
        num_episodes: int,
    ) -> None:
        """Loads the datasets on disk into the server.

        Args:
            folder: Folder of the datasets; created if necessary.
            partition: Partition of the server. It also loads datasets of servers that no longer
                exist.
            spec: Trajectory of `tf.TensorSpec` of one frame.
            server: The replay server, with its demonstrations.
            window: T, the number of observation frames.
            num_episodes: Largest number of episodes of all servers.

        Raises:
            RunError: If the folder holds episodes of another spec.
            data.DataError: If a dataset is damaged.
        """
        self._folder = folder
        self._index = partition.index
        self._spec = spec
        self._server = server
        self._window = window
        self._capacity = math.ceil(num_episodes / partition.count)
        self._hashes: set[str] = set()
        self._unwritten: list[episodes_lib.Episode] = []
        self._oldest_time = 0.0
        self._next_number = 0
        self._load(partition)

    def __len__(self) -> int:
        return len(self._hashes)

    @property
    def remaining_capacity(self) -> int:
        """Number of further episodes that are accepted."""
        return max(0, self._capacity - len(self._hashes))

    def add(self, episodes: Iterable[episodes_lib.Episode]) -> None:
        """Adds episodes; `flush` writes them later, many at a time."""
        for episode in episodes:
            if episode.content_hash not in self._hashes:
                if not self._unwritten:
                    self._oldest_time = time.monotonic()
                self._hashes.add(episode.content_hash)
                self._unwritten.append(episode)

    @property
    def is_flush_due(self) -> bool:
        """Whether enough episodes have been added, or some are old."""
        if not self._unwritten:
            return False
        age = time.monotonic() - self._oldest_time
        is_full = len(self._unwritten) >= _EPISODES_PER_DATASET or not self.remaining_capacity
        return is_full or age > _LONGEST_WAIT_SECONDS

    def flush(self) -> None:
        """Writes the added episodes to a dataset and then adds them to the replay server.

        Raises:
            data.DataError: If the dataset cannot be written.
        """
        if not self._unwritten:
            return
        folder = self._folder / f"{self._next_number:05d}-server-{self._index}"
        with episode_writer.EpisodeWriter(folder, self._spec, image_format="png") as writer:
            for episode in self._unwritten:
                writer.write(episode)
        self._server.add(self._unwritten, self._window)
        self._next_number += 1
        self._unwritten = []

    def _load(self, partition: job_spec.Partition) -> None:
        matches = [_FOLDER_NAME.fullmatch(path.name) for path in self._folder.glob("*")]
        numbers = {match.group(): tuple(map(int, match.groups())) for match in matches if match}
        own = [
            name
            for name, (_, index) in numbers.items()
            if index % partition.count == partition.index
        ]
        if not own:
            return
        self._next_number = 1 + max(number for number, _ in numbers.values())
        dataset = demonstrations.Demonstrations.open([self._folder / name for name in own], 0.0)
        difference = specs.difference(self._spec, dataset.spec)
        if difference:
            raise errors.RunError(
                f"{self._folder} holds episodes that do not fit the demonstrations: {difference}. "
                "Move the folder, or choose another --root_dir."
            )
        self._server.add(dataset.train, self._window)
        self._hashes = {episode.content_hash for episode in dataset.train}
