"""What the actors have gathered: on the disk first, and from there in replay."""

from __future__ import annotations

import math
import pathlib
import re
import time
from collections.abc import Iterable

from tf_agents.trajectories import trajectory

from data.episodes import episodes, specs
from data.sources import demonstrations, replay_server
from data.writing import episode_writer
from ibc_agents.core import errors
from ibc_agents.distributed.messaging import job

# Written together, or earlier if one of them has waited for so long.
_EPISODES_A_DATASET = 50
_LONGEST_WAIT_SECONDS = 30.0
_FOLDER = re.compile(r"(\d+)-server-(\d+)")


class GatheredEpisodes:
    """Takes the episodes of actors into a folder of small datasets, and into a replay server.

    An episode can be sampled once it is on the disk, so that a server that was killed has again
    what it had. Equal episodes are one.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        share: job.Share,
        spec: trajectory.Trajectory,
        server: replay_server.ReplayServer,
        window: int,
        num_episodes: int,
    ) -> None:
        """Loads what is on the disk.

        Args:
            folder: of the datasets; need not exist yet.
            share: of the server; what was written for a server that is there no more it takes over.
            spec: Trajectory of `tf.TensorSpec` of one frame.
            server: that holds its demonstrations.
            window: T, frames of observation.
            num_episodes: that the whole job takes.

        Raises:
            RunError: if the folder holds something else.
            data.DataError: if something on the disk is damaged.
        """
        self._folder = folder
        self._index = share.index
        self._spec = spec
        self._server = server
        self._window = window
        self._limit = math.ceil(num_episodes / share.count)
        self._known: set[str] = set()
        self._waiting: list[episodes.Episode] = []
        self._waiting_since = 0.0
        self._next_number = 0
        self._load(share)

    def __len__(self) -> int:
        return len(self._known)

    @property
    def room(self) -> int:
        """Episodes that are still taken."""
        return max(0, self._limit - len(self._known))

    def take(self, taken: Iterable[episodes.Episode]) -> None:
        """Takes episodes, which wait for others before they are written."""
        for episode in taken:
            if episode.content_hash not in self._known:
                if not self._waiting:
                    self._waiting_since = time.monotonic()
                self._known.add(episode.content_hash)
                self._waiting.append(episode)

    @property
    def is_due(self) -> bool:
        """Whether it is time to `flush`."""
        if not self._waiting:
            return False
        age = time.monotonic() - self._waiting_since
        is_enough = len(self._waiting) >= _EPISODES_A_DATASET or not self.room
        return is_enough or age > _LONGEST_WAIT_SECONDS

    def flush(self) -> None:
        """Writes what waits, and adds it to the replay server.

        Raises:
            data.DataError: if the disk is full.
        """
        if not self._waiting:
            return
        folder = self._folder / f"{self._next_number:05d}-server-{self._index}"
        with episode_writer.EpisodeWriter(folder, self._spec, image_format="png") as writer:
            for episode in self._waiting:
                writer.write(episode)
        self._server.add(self._waiting, self._window)
        self._next_number += 1
        self._waiting = []

    def _load(self, share: job.Share) -> None:
        found = [_FOLDER.fullmatch(path.name) for path in self._folder.glob("*")]
        numbers = {match.group(): tuple(map(int, match.groups())) for match in found if match}
        own = [name for name, (_, index) in numbers.items() if index % share.count == share.index]
        if not own:
            return
        self._next_number = 1 + max(number for number, _ in numbers.values())
        opened = demonstrations.Demonstrations.open([self._folder / name for name in own], 0.0)
        difference = specs.difference(self._spec, opened.spec)
        if difference:
            raise errors.RunError(
                f"{self._folder} was gathered for other demonstrations: {difference}. Move it "
                "elsewhere, or choose another --root_dir."
            )
        self._server.add(opened.train, self._window)
        self._known = {episode.content_hash for episode in opened.train}
