"""Writers of dataset folders, which appear complete or not at all."""

from data.writing.episode_writer import EpisodeWriter
from data.writing.resumable_dataset import ResumableDataset

__all__ = ["EpisodeWriter", "ResumableDataset"]
