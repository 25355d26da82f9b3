"""Training data in memory, of which the windows with a large loss come more often."""

from __future__ import annotations

from typing import Any

import gin
import numpy as np
import tensorflow as tf

from data.errors import DataError
from data.sources import memory_source

# A loss further above the least of its batch counts as so many times the batch's mean excess.
_MOST = 10.0


@gin.configurable
class PrioritizedSource(memory_source.InMemorySource):
    """Samples some windows uniformly, and the others in proportion to what was last lost on them.

    For demonstrations whose decisive frames are few: the one at which a particle turns to its
    second goal, among fifty. As prioritised replay (Schaul et al., 2016), but without importance
    weights: cloning a deterministic demonstrator may dwell on what is hard.

    A window's priority is its loss less the least one of its batch, at most ten times the batch's
    mean of that, so that neither the scale nor the sign of the loss matters. It begins with 0.

    Batches depend on the losses before them, which arrive while the next batches are drawn already;
    so equal seeds do not give equal batches, and a resumed run learns the priorities anew.

    Args:
        hard_share: of each batch that is drawn by priority, in [0, 1].

    Raises:
        DataError: if the share is out of range.
    """

    def __init__(self, hard_share: float = 0.5) -> None:
        super().__init__()
        if not 0 <= hard_share <= 1:
            raise DataError(f"hard_share is {hard_share}; it must be in [0, 1].")
        self._hard_share = hard_share
        self._priorities = np.zeros([0])

    def feedback(self, chosen: tf.Tensor, losses: tf.Tensor) -> None:
        """Takes what was lost on a batch; may be called in a graph.

        Args:
            chosen: what came beside the batch, int64 [B].
            losses: of its windows, float32 [B]; of those that are not finite nothing is learned.
        """
        tf.numpy_function(self._prioritize, [chosen, losses], [])

    def _batches(self, batch_size: int, seed: int, start_step: int) -> tf.data.Dataset:
        self._priorities = np.zeros(self.num_windows)

        def draw(step: tf.Tensor) -> tf.Tensor:
            chosen = tf.numpy_function(
                lambda step: self._draw(np.random.default_rng([seed, step]), batch_size),
                [step],
                tf.int64,
            )
            return tf.ensure_shape(chosen, [batch_size])

        steps = tf.data.Dataset.range(start_step, np.iinfo(np.int64).max)
        return steps.map(draw)

    def _info(self, chosen: tf.Tensor) -> Any:
        return chosen

    def _draw(self, generator: np.random.Generator, batch_size: int) -> np.ndarray:
        chosen = generator.integers(0, self.num_windows, batch_size)
        sums = np.cumsum(self._priorities)
        if sums[-1] > 0:
            hard = generator.random(batch_size) < self._hard_share
            draws = generator.random(np.count_nonzero(hard)) * sums[-1]
            chosen[hard] = np.searchsorted(sums, draws, side="right")
        # Rounding can put a draw at the very end of the sums.
        return np.minimum(chosen, self.num_windows - 1)

    def _prioritize(self, chosen: np.ndarray, losses: np.ndarray) -> None:
        finite = np.isfinite(losses)
        if finite.any():
            excess = losses[finite] - losses[finite].min()
            self._priorities[chosen[finite]] = np.minimum(excess, _MOST * excess.mean())
