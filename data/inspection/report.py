"""A text report of a dataset."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from data.episodes import combined_hash, dataset_statistics, specs
from data.errors import DataError
from data.inspection import dataset_summary
from data.reading import manifest_checks
from data.shards import frame_chunks, manifest

_MAX_VALUES = 4
_MAX_PROBLEMS = 20
_MAX_DUPLICATES = 10
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def format_report(summary: dataset_summary.DatasetSummary) -> str:
    """Returns tables of the dataset and of its leaves, and the unusable values.

    Raises:
        DataError: If the manifest cannot be read.
    """
    lines = [f"{title:14}{text}" for title, text in _overview(summary).items()]
    lines += ["", *_leaf_table(summary.spec, summary.accumulators), ""]
    return "\n".join(lines + _problems(summary.problems))


def _overview(summary: dataset_summary.DatasetSummary) -> dict[str, str]:
    dataset_hash = combined_hash(summary.hashes)
    lengths, returns = np.array(summary.lengths), np.array(summary.returns)
    positive = int(np.sum(returns > 0))
    quantiles = " ".join(f"{value:.6g}" for value in np.quantile(returns, _QUANTILES))
    percentages = ", ".join(f"{100 * quantile:g}" for quantile in _QUANTILES)
    return {
        "shards": f"{len(summary.shards)}",
        "episodes": f"{len(lengths)} ({len(set(summary.hashes))} different)",
        "duplicates": _duplicates(summary.duplicates),
        "frames": f"{lengths.sum()}",
        "lengths": f"{_range(lengths, np.median)} (minimum, median, maximum)",
        "returns": f"{_range(returns, np.mean)} (minimum, mean, maximum); "
        f"above 0 in {positive} of {len(returns)} episodes",
        "quantiles": f"{quantiles} ({percentages} % of the returns are at most this)",
        "dataset hash": dataset_hash,
        "fragments": _fragments(summary.counts),
        "manifest": _compare_manifests(summary),
    }


def _duplicates(groups: list[list[int]]) -> str:
    if not groups:
        return "none"
    shown = "; ".join(" = ".join(map(str, group)) for group in groups[:_MAX_DUPLICATES])
    more = len(groups) - _MAX_DUPLICATES
    return f"episodes {shown}" + (f"; and {more} more groups" if more > 0 else "")


def _compare_manifests(summary: dataset_summary.DatasetSummary) -> str:
    compared = [
        _compare_manifest(folder, found, summary)
        for folder, found in manifest_checks.read_manifests(summary.paths).items()
    ]
    return "; ".join(compared) or "none"


def _compare_manifest(
    folder: str, found: manifest.Manifest, summary: dataset_summary.DatasetSummary
) -> str:
    difference = manifest_checks.find_file_difference(
        folder, found
    ) or manifest_checks.find_content_difference(folder, found, summary.counts, summary.hashes)
    extra = "".join(f", {key} {value}" for key, value in sorted(found.extra.items()))
    return f"DIFFERS: {difference}{extra}" if difference else f"agrees{extra}"


def _fragments(counts: Mapping[str, frame_chunks.ShardCounts]) -> str:
    frames = [count.fragment_frames for count in counts.values() if count.fragment_frames]
    if not frames:
        return "none"
    return (
        f"{sum(frames)} frames at the start of {len(frames)} shards, which begin within an "
        "episode; they are not used"
    )


def _leaf_table(
    spec: Any, accumulators: dict[str, dataset_statistics.LeafAccumulator]
) -> list[str]:
    rows = [("leaf", "dtype", "shape", "minimum", "maximum", "mean", "deviation", "constant")]
    for name, leaf in specs.named_leaves(spec):
        shape = "×".join(map(str, leaf.shape)) or "scalar"
        cells = ("", "", "", "", "")
        if name in accumulators:
            cells = _statistics_cells(accumulators[name], leaf.dtype)
        rows.append((name, leaf.dtype.name, shape, *cells))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _statistics_cells(
    accumulator: dataset_statistics.LeafAccumulator, dtype: tf.DType
) -> tuple[str, str, str, str, str]:
    try:
        found = accumulator.result()
    except DataError:
        return ("no finite frame", "", "", "", "")
    constant = np.flatnonzero(found.is_constant(dtype))
    elements = " ".join(map(str, constant)) if found.mean.ndim else "yes"
    return (
        f"{found.minimum.min():.4g}",
        f"{found.maximum.max():.4g}",
        _values(found.mean),
        _values(found.std),
        elements if constant.size else "",
    )


def _problems(found: list[dataset_summary.FoundProblem]) -> list[str]:
    if not found:
        return ["every observation and action is finite and within bounds"]
    lines = [
        f"{os.path.relpath(shard)}: record {record}: {problem.leaf} {problem.text} "
        f"(the first of {problem.num_frames} such frames among {chunk_frames} records)"
        for shard, record, chunk_frames, problem in found[:_MAX_PROBLEMS]
    ]
    if len(found) > _MAX_PROBLEMS:
        lines.append(f"… and {len(found) - _MAX_PROBLEMS} more")
    return lines


def _values(values: np.ndarray) -> str:
    if values.size > _MAX_VALUES:
        return f"{values.min():.4g} … {values.max():.4g}"
    return " ".join(f"{value:.4g}" for value in values.ravel())


def _range(values: np.ndarray, middle: Callable[[np.ndarray], Any]) -> str:
    return f"{values.min():.6g} {middle(values):.6g} {values.max():.6g}"
