"""A report of what is in a dataset, for people; it goes on where training would stop."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from data import episodes, manifest, specs, statistics, tfrecord, validation
from data.errors import DataError

_MOST_VALUES = 4
_MOST_PROBLEMS = 20


def describe(paths: tfrecord.Paths) -> str:
    """A table of shards, episodes and leaves, and the values that cannot be used.

    Args:
        paths: a folder, a shard, a glob, or a list of those.

    Raises:
        DataError: a shard or its spec cannot be read.
    """
    shards = tfrecord.resolve_shards(paths)
    spec = tfrecord.read_common_spec(shards)
    survey = _Survey(spec)
    for shard in shards:
        for episode in episodes.cut_episodes(survey.watch(shard)):
            survey.add(episode)
    lines = _summary(paths, shards, survey)
    lines += ["", *_table(spec, survey.accumulators), ""]
    return "\n".join(lines + _problems(survey.problems))


class _Survey:
    """What one pass over all frames gathers."""

    def __init__(self, spec: Any) -> None:
        self._spec = spec
        self._reader = tfrecord.FrameReader(spec)
        self.accumulators = {
            name: statistics.LeafAccumulator(name, tuple(leaf.shape))
            for name, leaf in specs.named_leaves(spec)
            if not specs.is_image(leaf)
        }
        self.hashes: list[str] = []
        self.lengths: list[int] = []
        self.returns: list[float] = []
        self.problems: list[tuple[str, int, int, validation.Problem]] = []

    def watch(self, shard: str) -> Iterator[episodes.FrameChunk]:
        """The shard's chunks, noting what is wrong with them."""
        for chunk in self._reader.read(shard):
            for problem in validation.find_problems(chunk.frames, self._spec):
                among = len(chunk.frames.step_type)
                self.problems.append((shard, chunk.first_record + problem.row, among, problem))
            yield chunk

    def add(self, episode: episodes.Episode) -> None:
        """Counts an episode; values that are not finite are left out of the statistics."""
        self.hashes.append(episode.content_hash)
        self.lengths.append(episode.num_frames)
        rewards = tf.nest.flatten(episode.frames.reward)
        self.returns.append(sum(float(np.sum(r[episode.executed])) for r in rewards))
        for name, values in specs.named_leaves(episode.frames):
            if name in self.accumulators:
                rows = self.accumulators[name].rows(values)
                if name.split("/")[0] == "action":
                    rows = rows[episode.executed]
                finite = np.isfinite(rows.reshape(len(rows), -1)).all(axis=1)
                self.accumulators[name].add(rows[finite])


def _summary(paths: tfrecord.Paths, shards: list[str], survey: _Survey) -> list[str]:
    dataset_hash = episodes.combined_hash(survey.hashes)
    returns = np.array(survey.returns)
    positive = int(np.sum(returns > 0))
    return [
        f"{'shards':14}{len(shards)}",
        f"{'episodes':14}{len(survey.lengths)} ({len(set(survey.hashes))} different)",
        f"{'frames':14}{sum(survey.lengths)}",
        f"{'lengths':14}{_three(np.array(survey.lengths))} (minimum, median, maximum)",
        f"{'returns':14}{_three(returns)}; above 0 in {positive} of {len(returns)} episodes",
        f"{'dataset hash':14}{dataset_hash}",
        f"{'manifest':14}{_compare_manifest(paths, dataset_hash)}",
    ]


def _compare_manifest(paths: tfrecord.Paths, dataset_hash: str) -> str:
    folder = manifest.folder_of(paths)
    if folder is None:
        return "none"
    found = manifest.read_manifest(folder)
    extra = "".join(f", {key} {value}" for key, value in sorted(found.extra.items()))
    if found.dataset_hash != dataset_hash:
        return f"DIFFERS: {found.dataset_hash}; the dataset was changed or damaged{extra}"
    return f"agrees{extra}"


def _table(spec: Any, accumulators: dict[str, statistics.LeafAccumulator]) -> list[str]:
    rows = [("leaf", "dtype", "shape", "minimum", "maximum", "mean", "deviation", "constant")]
    for name, leaf in specs.named_leaves(spec):
        shape = "×".join(map(str, leaf.shape)) or "scalar"
        cells = ("", "", "", "", "")
        if name in accumulators:
            cells = _cells(accumulators[name])
        rows.append((name, leaf.dtype.name, shape, *cells))
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  ".join(c.ljust(w) for c, w in zip(row, widths)).rstrip() for row in rows]


def _cells(accumulator: statistics.LeafAccumulator) -> tuple[str, str, str, str, str]:
    try:
        found = accumulator.result()
    except DataError:
        return ("no finite frame", "", "", "", "")
    constant = np.flatnonzero(found.minimum == found.maximum)
    elements = " ".join(map(str, constant)) if found.mean.ndim else "yes"
    return (
        f"{found.minimum.min():.4g}",
        f"{found.maximum.max():.4g}",
        _values(found.mean),
        _values(found.std),
        elements if constant.size else "",
    )


def _problems(found: list[tuple[str, int, int, validation.Problem]]) -> list[str]:
    if not found:
        return ["every observation and action is finite and within bounds"]
    lines = [
        f"{os.path.relpath(shard)}: record {record}: {problem.leaf} {problem.text} "
        f"(the first of {problem.num_frames} such frames among {among} records)"
        for shard, record, among, problem in found[:_MOST_PROBLEMS]
    ]
    if len(found) > _MOST_PROBLEMS:
        lines.append(f"… and {len(found) - _MOST_PROBLEMS} more")
    return lines


def _values(values: np.ndarray) -> str:
    if values.size > _MOST_VALUES:
        return f"{values.min():.4g} … {values.max():.4g}"
    return " ".join(f"{value:.4g}" for value in values.ravel())


def _three(values: np.ndarray) -> str:
    return f"{values.min():.6g} {np.median(values):.6g} {values.max():.6g}"
