"""Sums TensorFlow's profile of a function by kinds of operation."""

from __future__ import annotations

import pathlib
import re
import tempfile
from collections import Counter
from collections.abc import Callable
from typing import Any

import tensorflow as tf
from matplotlib import figure
from tensorflow.tsl.profiler.protobuf import xplane_pb2

# The first match of an operation's type. Containers are dropped; they would count others twice.
_KINDS = {
    "containers": r"While|If|.*PartitionedCall|PartitionedFunction.*|Case",
    "matrix products": r".*MatMul.*|.*Einsum",
    "activations, biases, sums": r"Relu.*|Elu.*|.*Bias.*|Add.*|Mul|Sub|Neg|Sum|Mean|Square|Maximum"
    r"|Minimum|Select.*|Softmax.*|LogSoftmax|Exp|Log.*|ClipByValue|Cumsum|Real.*|Div.*|Max|Min",
    "random numbers": r"Stateless.*",
    "copies and slices": r"Concat.*|StridedSlice.*|Slice|Pack|Unpack|Tile|Broadcast.*|Gather.*"
    r"|Transpose|Identity.*|TensorList.*|Pad|Fill|ZerosLike|Cast|Repeat",
}
_OTHER = "everything else"
_COLORS = {
    "matrix products": "#2a6f97",
    "activations, biases, sums": "#e07a5f",
    "random numbers": "#81b29a",
    "copies and slices": "#f2cc8f",
    _OTHER: "#9a8c98",
}


def seconds_by_kind(function: Callable[[], Any], calls: int = 2) -> dict[str, float]:
    """Returns the seconds per call in operations of each kind, summed over threads.

    Args:
        function: Function to profile. It has been called before, so that it is traced.
        calls: Number of profiled calls.
    """
    with tempfile.TemporaryDirectory() as folder:
        options = tf.profiler.experimental.ProfilerOptions(host_tracer_level=3)  # all operations
        with tf.profiler.experimental.Profile(folder, options):
            for _ in range(calls):
                function()
        (file,) = pathlib.Path(folder).rglob("*.xplane.pb")
        space = xplane_pb2.XSpace.FromString(file.read_bytes())
    seconds: Counter[str] = Counter()
    for plane in space.planes:
        for line in plane.lines:
            for event in line.events:
                # Only events of operations have names of the form name:Type.
                name = plane.event_metadata[event.metadata_id].name
                operation = re.fullmatch(r"[\w./-]+:(\w+)", name)
                if operation:
                    seconds[_kind(operation[1])] += event.duration_ps * 1e-12 / calls
    del seconds["containers"]
    return dict(seconds)


def draw(profiles: dict[str, dict[str, dict[str, float]]], path: pathlib.Path) -> None:
    """Writes a bar plot of the time by kind, relative to the first implementation.

    Args:
        profiles: Maps workload → implementation → result of `seconds_by_kind`.
        path: Path of the PNG file.
    """
    bars = [
        (f"{workload}, {implementation}", profile, sum(next(iter(by_name.values())).values()))
        for workload, by_name in profiles.items()
        for implementation, profile in by_name.items()
    ]
    plot = figure.Figure(figsize=(8, 1.2 + 0.35 * len(bars)), layout="constrained")
    axes = plot.subplots()
    for row, (_, profile, total) in enumerate(bars):
        left = 0.0
        for kind, color in _COLORS.items():
            width = profile.get(kind, 0.0) / total
            axes.barh(row, width, left=left, color=color, label=None if row else kind)
            left += width
    axes.set_yticks(range(len(bars)), [name for name, _, _ in bars])
    axes.invert_yaxis()
    axes.set_xlabel("time in operations, summed over threads, relative to the first implementation")
    axes.legend(
        fontsize="small", frameon=False, ncols=3, loc="lower center", bbox_to_anchor=(0.4, 1.0)
    )
    plot.savefig(path, dpi=90)


def _kind(operation: str) -> str:
    for kind, pattern in _KINDS.items():
        if re.fullmatch(pattern, operation):
            return kind
    return _OTHER
