"""One pass over all that is in a dataset, for people; it goes on where training would stop."""

from __future__ import annotations

import collections
import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import trajectory

from data.episodes import dataset_statistics, episodes, specs, validation
from data.shards import tfrecord

_STRIP_FRAMES = 8


class FoundProblem(NamedTuple):
    """A problem, and the shard, record and chunk of so many frames that it was found in."""

    shard: str
    record: int
    among: int
    problem: validation.Problem


class Survey:
    """What one pass over all frames gathers; `take` makes it.

    Attributes:
        paths: what was surveyed.
        shards: paths of the shards.
        spec: Trajectory of `tf.TensorSpec` of one frame.
        accumulators: statistics of the finite values of every leaf but images, by its path.
        hashes: content hash of every episode, in order.
        lengths: L of every episode.
        returns: sum of rewards of every episode.
        actions: of every episode, the executed actions, float32 [n, A] in the order of the nest.
        strips: some frames of the first episode, uint8 [n, height, width, channels], by the path of
            every image.
        problems: values that cannot be used.
    """

    def __init__(self, paths: tfrecord.Paths, spec: trajectory.Trajectory) -> None:
        self.paths = paths
        self.shards = tfrecord.resolve_shards(paths)
        self.spec = spec
        self.accumulators = {
            name: dataset_statistics.LeafAccumulator(name, tuple(leaf.shape))
            for name, leaf in specs.named_leaves(spec)
            if not specs.is_image(leaf)
        }
        self.hashes: list[str] = []
        self.lengths: list[int] = []
        self.returns: list[float] = []
        self.actions: list[np.ndarray] = []
        self.strips: dict[str, np.ndarray] = {}
        self.problems: list[FoundProblem] = []

    def add(self, episode: episodes.Episode) -> None:
        """Counts an episode; values that are not finite are left out of the statistics."""
        if not self.hashes:
            rows = np.linspace(0, episode.num_frames - 1, _STRIP_FRAMES).round().astype(int)
            self.strips = {
                name: dict(specs.named_leaves(episode.frames))[name][np.unique(rows)]
                for name, leaf in specs.named_leaves(self.spec)
                if specs.is_image(leaf)
            }
        self.hashes.append(episode.content_hash)
        self.lengths.append(episode.num_frames)
        self.returns.append(episode.total_reward)
        executed = [
            leaf[episode.executed].reshape(episode.executed.sum(), -1).astype(np.float32)
            for leaf in tf.nest.flatten(episode.frames.action)
        ]
        self.actions.append(np.concatenate(executed, axis=1))
        for name, values in specs.named_leaves(episode.frames):
            if name in self.accumulators:
                rows = self.accumulators[name].rows(values)
                if name.split("/")[0] == "action":
                    rows = rows[episode.executed]
                finite = np.isfinite(rows.reshape(len(rows), -1)).all(axis=1)
                self.accumulators[name].add(rows[finite])

    @property
    def action_names(self) -> list[str]:
        """The A elements of an action, such as `action[2]`."""
        return [
            f"{name}[{element}]"
            for name, leaf in specs.named_leaves({"action": self.spec.action})
            for element in range(math.prod(leaf.shape))
        ]

    @property
    def duplicates(self) -> list[list[int]]:
        """Groups of episodes, by their numbers from 0, that have the same content."""
        groups: dict[str, list[int]] = collections.defaultdict(list)
        for number, content_hash in enumerate(self.hashes):
            groups[content_hash].append(number)
        return [group for group in groups.values() if len(group) > 1]


def take(paths: tfrecord.Paths) -> Survey:
    """Surveys a dataset.

    Args:
        paths: a folder, a shard, a glob, or a list of those.

    Raises:
        DataError: a shard or its spec cannot be read.
    """
    spec = tfrecord.read_common_spec(tfrecord.resolve_shards(paths))
    survey, reader = Survey(paths, spec), tfrecord.FrameReader(spec)
    for episode in episodes.cut_episodes(_watched(reader.read(survey.shards), survey)):
        survey.add(episode)
    return survey


def _watched(
    chunks: Iterator[episodes.FrameChunk], survey: Survey
) -> Iterator[episodes.FrameChunk]:
    """The chunks, noting what is wrong with them."""
    for chunk in chunks:
        for problem in validation.find_problems(chunk.frames, survey.spec):
            record, among = chunk.first_record + problem.row, len(chunk.frames.step_type)
            survey.problems.append(FoundProblem(chunk.shard, record, among, problem))
        yield chunk
