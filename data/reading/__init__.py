"""Opened datasets: checked, kept in memory where they fit, and split into train and validation."""

from data.reading.demonstrations import Demonstrations
from data.reading.episode_collection import EpisodeCollection

__all__ = ["Demonstrations", "EpisodeCollection"]
