"""One pass over a dataset for inspection; it continues at problems that stop training."""

from __future__ import annotations

import collections
import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from data.episodes import Episode, dataset_statistics, specs, value_checks
from data.shards import frame_chunks, shard_paths, shard_reader

_NUM_IMAGES = 8


class FoundProblem(NamedTuple):
    """Unusable values, and where they are.

    Attributes:
        shard: Path of the shard.
        record: The first such record, from 0.
        chunk_frames: Number of frames of the chunk in which they were counted.
        problem: The problem.
    """

    shard: str
    record: int
    chunk_frames: int
    problem: value_checks.Problem


class DatasetSummary:
    """The result of one pass over all frames; see `summarize_dataset`.

    Attributes:
        paths: The summarized paths.
        shards: Paths of the shards.
        spec: Trajectory of `tf.TensorSpec` of one frame.
        accumulators: Statistics of the finite values of every leaf except images, by its path.
        counts: What each shard contains, by its path.
        hashes: Content hash of every episode, in order.
        lengths: L of every episode.
        returns: Undiscounted return of every episode.
        actions: Executed actions of every episode, float32 [n, A] in nest order.
        images: Some frames of the first episode, uint8 [n, height, width, channels], by the path
            of every image leaf.
        problems: Unusable values.
    """

    def __init__(self, paths: shard_paths.Paths, reader: shard_reader.EpisodeReader) -> None:
        self.paths = paths
        self.shards = reader.shards
        self.spec = spec = reader.spec
        self.accumulators = {
            name: dataset_statistics.LeafAccumulator(name, tuple(leaf.shape))
            for name, leaf in specs.named_leaves(spec)
            if not specs.is_image(leaf)
        }
        self.counts: dict[str, frame_chunks.ShardCounts] = {}
        self.hashes: list[str] = []
        self.lengths: list[int] = []
        self.returns: list[float] = []
        self.actions: list[np.ndarray] = []
        self.images: dict[str, np.ndarray] = {}
        self.problems: list[FoundProblem] = []

    def add(self, episode: Episode) -> None:
        """Adds an episode. Values that are not finite are excluded from the statistics."""
        leaves = dict(specs.named_leaves(episode.frames))
        if not self.hashes:
            rows = np.linspace(0, episode.num_frames - 1, _NUM_IMAGES).round().astype(int)
            self.images = {
                name: specs.channels_last(leaves[name][np.unique(rows)], leaf)
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
        for name, accumulator in self.accumulators.items():
            values = accumulator.rows(leaves[name])
            if name.split("/")[0] == "action":
                values = values[episode.executed]
            finite = np.isfinite(values.reshape(len(values), -1)).all(axis=1)
            accumulator.add(values[finite])

    @property
    def action_names(self) -> list[str]:
        """Names of the A elements of an action, such as `action[2]`."""
        return [
            f"{name}[{element}]"
            for name, leaf in specs.named_leaves({"action": self.spec.action})
            for element in range(math.prod(leaf.shape))
        ]

    @property
    def duplicates(self) -> list[list[int]]:
        """Groups of episodes with equal content, by their numbers from 0."""
        groups: dict[str, list[int]] = collections.defaultdict(list)
        for number, content_hash in enumerate(self.hashes):
            groups[content_hash].append(number)
        return [group for group in groups.values() if len(group) > 1]


def summarize_dataset(paths: shard_paths.Paths) -> DatasetSummary:
    """Reads a dataset once and summarizes it.

    Args:
        paths: A folder, a shard, a glob, or a list of those.

    Raises:
        DataError: If a shard or its spec cannot be read.
    """
    reader = shard_reader.EpisodeReader(paths)
    summary = DatasetSummary(paths, reader)
    for episode in reader.split(_note_problems(reader.read_frames(), summary)):
        summary.add(episode)
    summary.counts = reader.counts
    return summary


def _note_problems(
    chunks: Iterator[frame_chunks.FrameChunk], summary: DatasetSummary
) -> Iterator[frame_chunks.FrameChunk]:
    """Yields the chunks and adds their problems to the summary."""
    for chunk in chunks:
        for problem in value_checks.find_problems(chunk.frames, summary.spec):
            record, num_frames = chunk.first_record + problem.row, len(chunk.frames.step_type)
            summary.problems.append(FoundProblem(chunk.shard, record, num_frames, problem))
        yield chunk
