"""A report of what is in a dataset, for people."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from data.episodes import dataset_statistics, episodes, specs
from data.errors import DataError
from data.inspection import survey
from data.shards import manifest, tfrecord

_MOST_VALUES = 4
_MOST_PROBLEMS = 20
_MOST_DUPLICATES = 10
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def describe(found: survey.Survey) -> str:
    """A table of shards, episodes and leaves, and the values that cannot be used.

    Raises:
        DataError: the manifest cannot be read.
    """
    lines = [f"{title:14}{text}" for title, text in _summary(found).items()]
    lines += ["", *_table(found.spec, found.accumulators), ""]
    return "\n".join(lines + _problems(found.problems))


def _summary(found: survey.Survey) -> dict[str, str]:
    dataset_hash = episodes.combined_hash(found.hashes)
    lengths, returns = np.array(found.lengths), np.array(found.returns)
    positive = int(np.sum(returns > 0))
    quantiles = " ".join(f"{value:.6g}" for value in np.quantile(returns, _QUANTILES))
    shares = ", ".join(f"{100 * share:g}" for share in _QUANTILES)
    return {
        "shards": f"{len(found.shards)}",
        "episodes": f"{len(lengths)} ({len(set(found.hashes))} different)",
        "duplicates": _duplicates(found.duplicates),
        "frames": f"{lengths.sum()}",
        "lengths": f"{_three(lengths, np.median)} (minimum, median, maximum)",
        "returns": f"{_three(returns, np.mean)} (minimum, mean, maximum); "
        f"above 0 in {positive} of {len(returns)} episodes",
        "quantiles": f"{quantiles} ({shares} % of the returns are at most this)",
        "dataset hash": dataset_hash,
        "manifest": _compare_manifest(found.paths, dataset_hash),
    }


def _duplicates(groups: list[list[int]]) -> str:
    if not groups:
        return "none"
    shown = "; ".join(" = ".join(map(str, group)) for group in groups[:_MOST_DUPLICATES])
    more = len(groups) - _MOST_DUPLICATES
    return f"episodes {shown}" + (f"; and {more} more groups" if more > 0 else "")


def _compare_manifest(paths: tfrecord.Paths, dataset_hash: str) -> str:
    folder = manifest.folder_of(paths)
    if folder is None:
        return "none"
    found = manifest.read_manifest(folder)
    extra = "".join(f", {key} {value}" for key, value in sorted(found.extra.items()))
    if found.dataset_hash != dataset_hash:
        return f"DIFFERS: {found.dataset_hash}; the dataset was changed or damaged{extra}"
    return f"agrees{extra}"


def _table(spec: Any, accumulators: dict[str, dataset_statistics.LeafAccumulator]) -> list[str]:
    rows = [("leaf", "dtype", "shape", "minimum", "maximum", "mean", "deviation", "constant")]
    for name, leaf in specs.named_leaves(spec):
        shape = "×".join(map(str, leaf.shape)) or "scalar"
        cells = ("", "", "", "", "")
        if name in accumulators:
            cells = _cells(accumulators[name])
        rows.append((name, leaf.dtype.name, shape, *cells))
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  ".join(c.ljust(w) for c, w in zip(row, widths)).rstrip() for row in rows]


def _cells(accumulator: dataset_statistics.LeafAccumulator) -> tuple[str, str, str, str, str]:
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


def _problems(found: list[survey.FoundProblem]) -> list[str]:
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


def _three(values: np.ndarray, middle: Callable[[np.ndarray], Any]) -> str:
    return f"{values.min():.6g} {middle(values):.6g} {values.max():.6g}"
