"""Uniform proposal: the counter-examples of the paper (Sec. 2)."""

from __future__ import annotations

import gin
import tensorflow as tf

from ibc_agents.core import protocols, stateless_random


@gin.configurable
class Uniform:
    """Draws actions uniformly between the bounds."""

    def __init__(self):
        """Creates the proposal, which has no settings."""

    def sample(
        self, code: tf.Tensor, n: int, bounds: protocols.Bounds, seed: tf.Tensor
    ) -> tf.Tensor:
        """Draws actions; they do not depend on the observation.

        Args:
            code: ``[B, C]``; only its batch size is used.
            n: actions per row.
            bounds: scaled bounds.
            seed: int32 ``[2]`` or ``[B, 2]``.

        Returns:
            float32 ``[B, n, A]``.
        """
        unit = stateless_random.uniform(seed, tf.shape(code)[0], [n, bounds.low.shape[0]])
        return bounds.low + unit * (bounds.high - bounds.low)

    def first_actions(
        self, code: tf.Tensor, n: int, bounds: protocols.Bounds, seed: tf.Tensor
    ) -> tf.Tensor:
        """As `sample`."""
        return self.sample(code, n, bounds, seed)

    def log_prob(
        self, code: tf.Tensor, actions: tf.Tensor, bounds: protocols.Bounds, seed: tf.Tensor
    ) -> tf.Tensor:
        """Returns the log density, float32 ``[B, N]``: −inf outside the bounds.

        Dimensions of zero width hold one value only and add nothing.

        Args:
            code: ``[B, C]``, not used.
            actions: ``[B, N, A]``, scaled.
            bounds: scaled bounds.
            seed: not used.
        """
        del code, seed
        width = bounds.high - bounds.low
        log_volume = tf.reduce_sum(tf.where(width > 0, tf.math.log(tf.maximum(width, 1e-30)), 0.0))
        inside = tf.reduce_all((actions >= bounds.low) & (actions <= bounds.high), axis=-1)
        return tf.where(inside, -log_volume, -float("inf"))
