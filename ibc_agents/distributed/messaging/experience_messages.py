"""Converts episodes and batches of experience to and from messages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import trajectory

from data import episodes


def encode_episode(episode: episodes.Episode) -> list[np.ndarray]:
    """Returns the leaves [L, …] of an episode."""
    return tf.nest.flatten(episode.frames)


def decode_episode(message: Sequence[np.ndarray], spec: trajectory.Trajectory) -> episodes.Episode:
    """Returns the episode of a message of `encode_episode`.

    Args:
        message: The leaves [L, …] of the episode.
        spec: Trajectory of `tf.TensorSpec` of one frame.
    """
    return episodes.Episode(tf.nest.pack_sequence_as(spec, list(message)))


def encode_batches(batches: Sequence[trajectory.Trajectory]) -> list[np.ndarray]:
    """Stacks batches [B, T, …] of equal shapes to leaves [number of batches, B, T, …]."""
    stacked = tf.nest.map_structure(lambda *leaves: np.stack(leaves), *batches)
    return tf.nest.flatten(stacked)


def decode_batches(
    message: Sequence[np.ndarray], spec: trajectory.Trajectory
) -> list[trajectory.Trajectory]:
    """Returns the batches of a message of `encode_batches`.

    Args:
        message: The leaves [number of batches, B, T, …].
        spec: Trajectory of `tf.TensorSpec` of one frame.
    """
    return [
        tf.nest.pack_sequence_as(spec, [tf.constant(leaf) for leaf in leaves])
        for leaves in zip(*message, strict=True)
    ]
