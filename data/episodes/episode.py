"""An episode: the unit of demonstrations, of train/validation splits and of content hashes."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Iterable

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory

from data.errors import DataError


@dataclasses.dataclass(frozen=True, eq=False)
class Episode:
    """One episode of L frames.

    Attributes:
        frames: Trajectory of NumPy arrays [L, …], in the environment's own units.

    Raises:
        DataError: If the episode is empty, or its leaves have different lengths.
    """

    frames: trajectory.Trajectory

    def __post_init__(self) -> None:
        lengths = {len(leaf) for leaf in tf.nest.flatten(self.frames)}
        if len(lengths) != 1 or 0 in lengths:
            raise DataError(
                f"the leaves of an episode have lengths {sorted(lengths)}; they must have one "
                "length of at least 1."
            )

    @property
    def num_frames(self) -> int:
        """L."""
        return len(self.frames.step_type)

    @property
    def num_bytes(self) -> int:
        """Memory of the frames, in bytes."""
        return sum(leaf.nbytes for leaf in tf.nest.flatten(self.frames))

    @property
    def executed(self) -> np.ndarray:
        """Whether the action of each frame was executed, bool [L]; False at step type LAST."""
        return self.frames.step_type != ts.StepType.LAST

    @property
    def total_reward(self) -> float:
        """The undiscounted return: the sum of the rewards of all executed actions, in float64."""
        rewards = tf.nest.flatten(self.frames.reward)
        return float(sum(np.sum(leaf[self.executed], dtype=np.float64) for leaf in rewards))

    @functools.cached_property
    def content_hash(self) -> str:
        """SHA-256 (hex) of the dtype, shape and bytes of every leaf, in nest order."""
        digest = hashlib.sha256()
        for leaf in tf.nest.flatten(self.frames):
            digest.update(f"{leaf.dtype.name}{leaf.shape}".encode())
            digest.update(np.ascontiguousarray(leaf).data)
        return digest.hexdigest()


def combined_hash(content_hashes: Iterable[str]) -> str:
    """Returns the SHA-256 (hex) of a set of episodes.

    Args:
        content_hashes: `Episode.content_hash` of each episode. Their order has no effect, so
            neither the order of the episodes nor the number of shards changes the hash.

    Examples:
        >>> combined_hash(["b", "a"]) == combined_hash(["a", "b"])
        True
    """
    return hashlib.sha256("\n".join(sorted(content_hashes)).encode()).hexdigest()
