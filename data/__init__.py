"""Demonstrations on disk -> batches.

The public names are imported at their first use: `import data` does not import TensorFlow. Import
`data.sources.reverb_source` explicitly, because it needs Reverb.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ibc_agents.core import lazy_names

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

__getattr__, __dir__, __all__ = lazy_names.attach(__name__, __file__)
