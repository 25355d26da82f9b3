"""Episodes in memory: frames, specs, checks of values, and statistics."""

from data.episodes.dataset_statistics import LeafStatistics, Statistics, compute_statistics
from data.episodes.episode import Episode, combined_hash
from data.episodes.episode_store import EpisodeStore

__all__ = [
    "Episode",
    "EpisodeStore",
    "LeafStatistics",
    "Statistics",
    "combined_hash",
    "compute_statistics",
]
