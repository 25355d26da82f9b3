"""Demonstrations on disk -> batches.

`data.replay` is imported explicitly, for it needs Reverb. The names below are imported when they
are first used, so that a command can quieten TensorFlow before it starts.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from data.demonstrations import Demonstrations, EpisodeCollection
    from data.episode_writer import EpisodeWriter
    from data.episodes import Episode
    from data.errors import DataError
    from data.manifest import Manifest, read_manifest, write_manifest
    from data.memory_source import InMemorySource
    from data.prioritized_source import PrioritizedSource
    from data.statistics import LeafStatistics, Statistics, compute_statistics
    from data.tfrecord import read_episodes, read_spec, resolve_shards
    from data.windows import tf_window_indices, window_indices, windows_in_order

_HOMES = {
    "DataError": "errors",
    "Demonstrations": "demonstrations",
    "Episode": "episodes",
    "EpisodeCollection": "demonstrations",
    "EpisodeWriter": "episode_writer",
    "InMemorySource": "memory_source",
    "LeafStatistics": "statistics",
    "Manifest": "manifest",
    "PrioritizedSource": "prioritized_source",
    "Statistics": "statistics",
    "compute_statistics": "statistics",
    "read_episodes": "tfrecord",
    "read_manifest": "manifest",
    "read_spec": "tfrecord",
    "resolve_shards": "tfrecord",
    "tf_window_indices": "windows",
    "window_indices": "windows",
    "windows_in_order": "windows",
    "write_manifest": "manifest",
}

__all__ = [
    "DataError", "Demonstrations", "Episode", "EpisodeCollection", "EpisodeWriter",
    "InMemorySource", "LeafStatistics", "Manifest", "PrioritizedSource", "Statistics",
    "compute_statistics", "read_episodes", "read_manifest", "read_spec", "resolve_shards",
    "tf_window_indices", "window_indices", "windows_in_order", "write_manifest",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"data.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
