"""Training data in memory: the order is a function of seed and step."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import gin
import numpy as np
import tensorflow as tf
from tf_agents.trajectories import trajectory

from data.episodes import episode_store, episodes
from data.errors import DataError
from data.sources import batches, demonstrations, source
from ibc_agents.core import windows

_PREFETCHED = 2  # batches


@gin.configurable
class InMemorySource(source.Source):
    """Holds all frames in memory, once, and gathers windows by index.

    Frames that opened demonstrations keep in memory are shared with them.

    Every window comes once an epoch, in an order that `(seed, epoch)` decides; the batch of step s
    depends on `(seed, s)` alone, so a run that resumes at a step goes on exactly as if it had never
    stopped.
    """

    def __init__(self) -> None:
        self._frames: trajectory.Trajectory | None = None
        self._spec: trajectory.Trajectory | None = None
        self._starts = self._ends = np.zeros([0], np.int64)

    @property
    def num_windows(self) -> int:
        """Number of windows, whatever their length: one for each executed frame."""
        return len(self._ends)

    def load(self, loaded: Iterable[episodes.Episode], spec: trajectory.Trajectory) -> None:
        """Takes all the episodes into memory.

        Args:
            loaded: the training episodes.
            spec: Trajectory of `tf.TensorSpec` of one frame.

        Raises:
            DataError: there is no executed frame.
        """
        store = loaded.store if isinstance(loaded, demonstrations.EpisodeCollection) else None
        if store is None:
            store = episode_store.store_of(loaded)
        ends = [start + np.flatnonzero(part.executed) for start, part in zip(store.starts, store)]
        if not sum(map(len, ends)):
            raise DataError("there is no demonstration to train on; check the dataset.")
        self._starts = np.repeat(store.starts, [len(of_episode) for of_episode in ends])
        self._ends = np.concatenate(ends)
        self._frames, self._spec = store.frames, spec

    def dataset(
        self, sequence_length: int, batch_size: int, seed: int, start_step: int = 0
    ) -> tf.data.Dataset:
        """An endless dataset of `(Trajectory [B, T, ...], ())`.

        Args:
            sequence_length: T.
            batch_size: B.
            seed: decides the order.
            start_step: the step whose batch comes first.

        Raises:
            DataError: nothing is loaded, or T or B is not positive.
        """
        if self._frames is None:
            raise DataError("nothing is loaded; call load before dataset.")
        batches.check_batch_shape(sequence_length, batch_size)
        leaves, spec = tf.nest.flatten(self._frames), tf.nest.flatten(self._spec)
        rows = windows.window_indices(self._ends, sequence_length, self._starts)

        def gather(chosen: tf.Tensor) -> tuple[trajectory.Trajectory, Any]:
            # By NumPy, as fast as TensorFlow, for which all frames would have to be copied.
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

        chosen_windows = self._batches(batch_size, seed, start_step)
        options = tf.data.Options()
        # Its thread sleeps up to a minute at a time, and while Python functions are in the pipeline
        # whoever lets go of an iterator waits for it to wake.
        options.autotune.enabled = False
        return chosen_windows.map(gather).prefetch(_PREFETCHED).with_options(options)

    def close(self) -> None:
        """Lets go of the frames."""
        self._frames = None

    def _batches(self, batch_size: int, seed: int, start_step: int) -> tf.data.Dataset:
        """The numbers of the windows of each batch, int64 [B], from a step on."""
        return _order(self.num_windows, seed, start_step * batch_size).rebatch(batch_size)

    def _info(self, chosen: tf.Tensor) -> Any:
        """What a batch of these windows carries beside them."""
        del chosen
        return ()


def _order(num_windows: int, seed: int, position: int) -> tf.data.Dataset:
    """Window numbers, int64 [an epoch's], from a position in the endless order onwards.

    A whole permutation an epoch: TF's index_shuffle, which needs none, was measured to be slower
    and to favour some orders.
    """
    first_epoch, skipped = divmod(position, num_windows)

    def permutation(epoch: tf.Tensor) -> tf.Tensor:
        order = tf.random.experimental.stateless_shuffle(
            tf.range(num_windows, dtype=tf.int64), seed=tf.stack([seed, epoch]), alg="philox"
        )
        return order[tf.where(epoch == first_epoch, skipped, 0) :]

    return tf.data.Dataset.range(first_epoch, np.iinfo(np.int64).max).map(permutation).prefetch(1)
