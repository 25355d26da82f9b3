"""Demonstrations on disk -> batches.

The public names are imported at their first use: `import data` does not import TensorFlow. Import
`data.sources.reverb_source` explicitly, because it needs Reverb.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ibc_agents.core import lazy_names

if TYPE_CHECKING:
    from data.episodes import Episode, LeafStatistics, Statistics, compute_statistics
    from data.errors import DataError
    from data.reading import Demonstrations, EpisodeCollection
    from data.shards import (
        Manifest,
        read_episodes,
        read_manifest,
        read_spec,
        resolve_shards,
        write_manifest,
    )
    from data.sources import InMemorySource, PrioritizedSource, Source, windows_in_order
    from data.writing import EpisodeWriter

__getattr__, __dir__, __all__ = lazy_names.attach(__name__, __file__)
