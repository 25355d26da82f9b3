"""A source in memory that samples windows with a large loss more often."""

from __future__ import annotations

from typing import Any

import gin
import numpy as np
import tensorflow as tf

from data.sources import in_memory_source
from ibc_agents.core import setting_checks

# Limit of a priority, as a multiple of the mean excess loss of its batch.
_MAX_PRIORITY = 10.0


@gin.configurable
class PrioritizedSource(in_memory_source.InMemorySource):
    """Samples a share of each batch in proportion to the windows' last losses, the rest uniformly.

    It is meant for demonstrations with few decisive frames, such as the one frame in fifty at which
    a particle turns to its second goal. Unlike prioritized replay it has no importance weights,
    because an agent that clones a deterministic demonstrator may focus on difficult frames.

    The priority of a window is its loss minus the smallest loss of its batch, at most ten times the
    batch's mean of that difference. Neither the scale nor the sign of the loss matters. Priorities
    start at 0.

    Batches depend on the losses of earlier batches, which arrive while later batches are already
    drawn. So equal seeds do not give equal batches, and a resumed run starts with priorities of 0.

    Args:
        hard_share: Share of each batch that is sampled by priority, in [0, 1].

    Raises:
        SettingError: If the share is out of range.

    References:
        Schaul et al., "Prioritized Experience Replay", 2016, Sec. 3.3.
        https://arxiv.org/abs/1511.05952
    """

    def __init__(self, hard_share: float = 0.5) -> None:
        super().__init__()
        self._hard_share = setting_checks.check_number(
            "PrioritizedSource.hard_share", hard_share, setting_checks.FRACTION
        )
        self._priorities = np.zeros([0])

    def feedback(self, info: tf.Tensor, losses: tf.Tensor) -> None:
        """Updates the priorities of a batch; may be called in a graph.

        Args:
            info: Window numbers, as `dataset` gave them with the batch, int64 [B].
            losses: Losses of the windows, float32 [B]. Losses that are not finite have no effect.
        """
        tf.numpy_function(self._prioritize, [info, losses], [])

    def _chosen_windows(self, batch_size: int, seed: int, start_step: int) -> tf.data.Dataset:
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
            self._priorities[chosen[finite]] = np.minimum(excess, _MAX_PRIORITY * excess.mean())
