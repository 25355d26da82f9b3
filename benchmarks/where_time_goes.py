"""Where the time of some work goes: TensorFlow's own profile, summed by kinds of operation."""

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

# The first that matches the type of an operation; what holds others would count them twice.
_KINDS = {
    "holds others": r"While|If|.*PartitionedCall|PartitionedFunction.*|Case",
    "matrix products": r".*MatMul.*|.*Einsum",
    "activations, biases, sums": r"Relu.*|Elu.*|.*Bias.*|Add.*|Mul|Sub|Neg|Sum|Mean|Square|Maximum"
    r"|Minimum|Select.*|Softmax.*|LogSoftmax|Exp|Log.*|ClipByValue|Cumsum|Real.*|Div.*|Max|Min",
    "random numbers": r"Stateless.*",
    "copies and slices": r"Concat.*|StridedSlice.*|Slice|Pack|Unpack|Tile|Broadcast.*|Gather.*"
    r"|Transpose|Identity.*|TensorList.*|Pad|Fill|ZerosLike|Cast|Repeat",
}
_OTHER = "everything else"
_COLOURS = {
    "matrix products": "#2a6f97",
    "activations, biases, sums": "#e07a5f",
    "random numbers": "#81b29a",
    "copies and slices": "#f2cc8f",
    _OTHER: "#9a8c98",
}


def seconds_by_kind(work: Callable[[], Any], calls: int = 2) -> dict[str, float]:
    """Returns the seconds a call spends in operations of each kind, of all threads together.

    Args:
        work: has been called before, so that nothing is traced any more.
        calls: that are profiled.
    """
    with tempfile.TemporaryDirectory() as folder:
        options = tf.profiler.experimental.ProfilerOptions(host_tracer_level=3)  # all operations
        with tf.profiler.experimental.Profile(folder, options):
            for _ in range(calls):
                work()
        (file,) = pathlib.Path(folder).rglob("*.xplane.pb")
        space = xplane_pb2.XSpace.FromString(file.read_bytes())
    seconds: Counter[str] = Counter()
    for plane in space.planes:
        for line in plane.lines:
            for event in line.events:
                # Operations are called name:Type; other events, and threads' own, are not.
                name = plane.event_metadata[event.metadata_id].name
                operation = re.fullmatch(r"[\w./-]+:(\w+)", name)
                if operation:
                    seconds[_kind(operation[1])] += event.duration_ps * 1e-12 / calls
    del seconds["holds others"]
    return dict(seconds)


def draw(profiles: dict[str, dict[str, dict[str, float]]], path: pathlib.Path) -> None:
    """Writes a picture: of each work a bar a way of doing it, in shares of the first way's time.

    Args:
        profiles: by the names of works and of ways, what `seconds_by_kind` returned.
        path: of the picture.
    """
    bars = [
        (f"{work}, {way}", profile, sum(next(iter(ways.values())).values()))
        for work, ways in profiles.items()
        for way, profile in ways.items()
    ]
    picture = figure.Figure(figsize=(8, 1.2 + 0.35 * len(bars)), layout="constrained")
    axes = picture.subplots()
    for row, (_, profile, whole) in enumerate(bars):
        left = 0.0
        for kind, colour in _COLOURS.items():
            width = profile.get(kind, 0.0) / whole
            axes.barh(row, width, left=left, color=colour, label=None if row else kind)
            left += width
    axes.set_yticks(range(len(bars)), [name for name, _, _ in bars])
    axes.invert_yaxis()
    axes.set_xlabel("time in operations, of all threads together, in shares of the first way's")
    axes.legend(
        fontsize="small", frameon=False, ncols=3, loc="lower center", bbox_to_anchor=(0.4, 1.0)
    )
    picture.savefig(path, dpi=90)


def _kind(operation: str) -> str:
    for kind, pattern in _KINDS.items():
        if re.fullmatch(pattern, operation):
            return kind
    return _OTHER
