"""Held-out batches on their way from the replay server to the learner."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import trajectory


def to_message(batches: Sequence[trajectory.Trajectory]) -> list[np.ndarray]:
    """Stacks batches ``[B, T, …]`` of one form to leaves ``[number of batches, B, T, …]``."""
    stacked = tf.nest.map_structure(lambda *leaves: np.stack(leaves), *batches)
    return tf.nest.flatten(stacked)


def from_message(
    message: Sequence[np.ndarray], spec: trajectory.Trajectory
) -> list[trajectory.Trajectory]:
    """Returns the batches again.

    Args:
        message: as `to_message` made it.
        spec: of one frame.
    """
    return [
        tf.nest.pack_sequence_as(spec, [tf.constant(leaf) for leaf in leaves])
        for leaves in zip(*message, strict=True)
    ]
