"""Demonstrations on disk -> batches.

Import `data.sources.reverb_source` explicitly: it needs Reverb. The names below are imported at
their first use, so that a command can silence TensorFlow before it starts.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from data.episodes.dataset_statistics import LeafStatistics, Statistics, compute_statistics
    from data.episodes.episodes import Episode
    from data.errors import DataError
    from data.shards.manifest import Manifest, read_manifest, write_manifest
    from data.shards.tfrecord import read_episodes, read_spec, resolve_shards
    from data.sources.batches import windows_in_order
    from data.sources.demonstrations import Demonstrations, EpisodeCollection
    from data.sources.memory_source import InMemorySource
    from data.sources.prioritized_source import PrioritizedSource
    from data.sources.source import Source
    from data.writing.episode_writer import EpisodeWriter

_HOMES = {
    "DataError": "errors",
    "Demonstrations": "sources.demonstrations",
    "Episode": "episodes.episodes",
    "EpisodeCollection": "sources.demonstrations",
    "EpisodeWriter": "writing.episode_writer",
    "InMemorySource": "sources.memory_source",
    "LeafStatistics": "episodes.dataset_statistics",
    "Manifest": "shards.manifest",
    "PrioritizedSource": "sources.prioritized_source",
    "Source": "sources.source",
    "Statistics": "episodes.dataset_statistics",
    "compute_statistics": "episodes.dataset_statistics",
    "read_episodes": "shards.tfrecord",
    "read_manifest": "shards.manifest",
    "read_spec": "shards.tfrecord",
    "resolve_shards": "shards.tfrecord",
    "windows_in_order": "sources.batches",
    "write_manifest": "shards.manifest",
}

__all__ = [
    "DataError", "Demonstrations", "Episode", "EpisodeCollection", "EpisodeWriter",
    "InMemorySource", "LeafStatistics", "Manifest", "PrioritizedSource", "Source",
    "Statistics", "compute_statistics", "read_episodes", "read_manifest", "read_spec",
    "resolve_shards", "windows_in_order", "write_manifest",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"data.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
