"""Episodes on their way from actors to a replay server."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import trajectory

from data.episodes import episodes


def to_message(episode: episodes.Episode) -> list[np.ndarray]:
    """Returns the leaves ``[L, …]`` of an episode."""
    return tf.nest.flatten(episode.frames)


def from_message(message: Sequence[np.ndarray], spec: trajectory.Trajectory) -> episodes.Episode:
    """Returns the episode again.

    Args:
        message: as `to_message` made it.
        spec: of one frame.
    """
    return episodes.Episode(tf.nest.pack_sequence_as(spec, list(message)))
