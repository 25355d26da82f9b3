"""The interface between demonstrations and the training loop."""

from __future__ import annotations

import abc
from collections.abc import Iterable
from typing import Any

import tensorflow as tf
from tf_agents.trajectories import trajectory

from data.episodes import Episode


class Source(abc.ABC):
    """Makes training batches of episodes.

    A training loop calls `load` once, iterates over `dataset`, calls `feedback` after each step,
    `check` if a batch fails, and `close` at the end. Only `load` and `dataset` must be implemented.
    """

    @abc.abstractmethod
    def load(self, episodes: Iterable[Episode], spec: trajectory.Trajectory) -> None:
        """Takes the training episodes.

        Args:
            episodes: The training episodes.
            spec: Trajectory of `tf.TensorSpec` of one frame.

        Raises:
            DataError: If no frame has an executed action.
        """

    @abc.abstractmethod
    def dataset(
        self, sequence_length: int, batch_size: int, seed: int, start_step: int = 0
    ) -> tf.data.Dataset:
        """Returns an endless dataset of start-padded windows.

        Args:
            sequence_length: T, at least 1.
            batch_size: B, at least 1.
            seed: Seed of the order of the windows.
            start_step: Training step of the first batch, at least 0.

        Returns:
            Dataset of `(Trajectory, info)`. The leaves of the Trajectory are [B, T, …]. `info` is
            passed to `feedback`; it is `()` if the source needs nothing.

        Raises:
            DataError: If nothing is loaded, or T or B is not positive.
        """

    def feedback(self, info: Any, losses: tf.Tensor) -> None:
        """Receives the losses of a batch; does nothing by default.

        The training loop calls it in the graph of the training step.

        Args:
            info: What `dataset` gave with the batch.
            losses: Losses of its windows, float32 [B].
        """
        del info, losses

    def check(self) -> None:  # noqa: B027  a default, not an omission
        """Checks that the loaded episodes are still available; does nothing by default.

        The training loop calls it if a batch cannot be made.

        Raises:
            DataError: If they are not.
        """

    def close(self) -> None:  # noqa: B027  a default, not an omission
        """Releases memory and connections; does nothing by default."""
