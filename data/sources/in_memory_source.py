"""A source in memory, whose order is a function of seed and step."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import gin
import numpy as np
import tensorflow as tf
from tf_agents.trajectories import trajectory

from data.episodes import Episode, EpisodeStore
from data.errors import DataError
from data.reading import EpisodeCollection
from data.sources import batches, source
from ibc_agents.core import windows

_PREFETCHED_BATCHES = 2


@gin.configurable
class InMemorySource(source.Source):
    """Keeps each frame in memory once and gathers windows by index.

    It shares the frames that `Demonstrations` keeps in memory.

    Every window occurs once per epoch, in an order that `(seed, epoch)` determines. The batch of a
    step depends on `(seed, step)` alone, so a resumed run gets the batches of an uninterrupted one.
    """

    def __init__(self) -> None:
        self._frames: trajectory.Trajectory | None = None
        self._spec: trajectory.Trajectory | None = None
        self._starts = self._ends = np.zeros([0], np.int64)

    @property
    def num_windows(self) -> int:
        """Number of windows, for any window length: one per executed action."""
        return len(self._ends)

    def load(self, episodes: Iterable[Episode], spec: trajectory.Trajectory) -> None:
        """Copies the episodes to memory, or shares those of an `EpisodeCollection` in memory.

        Args:
            episodes: The training episodes.
            spec: Trajectory of `tf.TensorSpec` of one frame.

        Raises:
            DataError: If no frame has an executed action.
        """
        store = episodes.store if isinstance(episodes, EpisodeCollection) else None
        if store is None:
            store = EpisodeStore.from_episodes(episodes)
        ends = [
            start + np.flatnonzero(episode.executed)
            for start, episode in zip(store.starts, store, strict=True)
        ]
        if not sum(map(len, ends)):
            raise DataError("there is no demonstration to train on; check the dataset.")
        self._starts = np.repeat(store.starts, [len(episode_ends) for episode_ends in ends])
        self._ends = np.concatenate(ends)
        self._frames, self._spec = store.frames, spec

    def dataset(
        self, sequence_length: int, batch_size: int, seed: int, start_step: int = 0
    ) -> tf.data.Dataset:
        """Returns an endless dataset of start-padded windows; see `Source.dataset`.

        Returns:
            Dataset of `(Trajectory [B, T, …], ())`.
        """
        if self._frames is None:
            raise DataError("nothing is loaded; call load before dataset.")
        batches.check_batch_shape(sequence_length, batch_size)
        leaves, spec = tf.nest.flatten(self._frames), tf.nest.flatten(self._spec)
        rows = windows.window_indices(self._ends, sequence_length, self._starts)

        def gather(chosen: tf.Tensor) -> tuple[trajectory.Trajectory, Any]:
            # NumPy is as fast as TensorFlow here, which would need a copy of all frames.
            gathered = tf.numpy_function(
                lambda numbers: [leaf[rows[numbers]] for leaf in leaves],
                [chosen],
                [leaf.dtype for leaf in spec],
            )
            shaped = [
                tf.ensure_shape(values, [*chosen.shape, sequence_length, *leaf.shape])
                for values, leaf in zip(gathered, spec, strict=True)
            ]
            return tf.nest.pack_sequence_as(self._spec, shaped), self._info(chosen)

        options = tf.data.Options()
        # The autotuner's thread sleeps for up to a minute. With Python functions in the pipeline,
        # deleting an iterator waits for it to wake up.
        options.autotune.enabled = False
        chosen_windows = self._chosen_windows(batch_size, seed, start_step)
        return chosen_windows.map(gather).prefetch(_PREFETCHED_BATCHES).with_options(options)

    def close(self) -> None:
        """Releases the frames."""
        self._frames = None

    def _chosen_windows(self, batch_size: int, seed: int, start_step: int) -> tf.data.Dataset:
        """Returns the window numbers of each batch from a step on, int64 [B]."""
        return _order(self.num_windows, seed, start_step * batch_size).rebatch(batch_size)

    def _info(self, chosen: tf.Tensor) -> Any:
        """Returns the info of a batch of these windows, int64 [B]."""
        del chosen
        return ()


def _order(num_windows: int, seed: int, position: int) -> tf.data.Dataset:
    """Returns window numbers from a position in the endless order on, int64 [windows of an epoch].

    Each epoch is a whole permutation. TensorFlow's index_shuffle needs none, but it was measured to
    be slower and to favor some orders.
    """
    first_epoch, skipped = divmod(position, num_windows)

    def permutation(epoch: tf.Tensor) -> tf.Tensor:
        order = tf.random.experimental.stateless_shuffle(
            tf.range(num_windows, dtype=tf.int64), seed=tf.stack([seed, epoch]), alg="philox"
        )
        return order[tf.where(epoch == first_epoch, skipped, 0) :]

    return tf.data.Dataset.range(first_epoch, np.iinfo(np.int64).max).map(permutation).prefetch(1)
