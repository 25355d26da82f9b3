"""Uniform counter-examples, as in the paper."""

from __future__ import annotations

import gin
import tensorflow as tf

from ibc_agents.core import protocols, stateless_random


@gin.configurable
class Uniform(protocols.Proposal):
    """Draws actions uniformly between the bounds.

    References:
        Florence et al., "Implicit Behavioral Cloning", 2021, Sec. 2.
        https://arxiv.org/abs/2109.00137

    Examples:
        >>> from ibc_agents.core import protocols
        >>> bounds = protocols.Bounds(-tf.ones([2]), tf.ones([2]))
        >>> Uniform().sample(tf.zeros([3, 8]), 5, bounds, seed=tf.constant([1, 2])).shape
        TensorShape([3, 5, 2])
    """

    def __init__(self):
        """Creates the proposal, which has no settings."""

    def sample(
        self, code: tf.Tensor, n: int, bounds: protocols.Bounds, seed: tf.Tensor
    ) -> tf.Tensor:
        """Draws actions; they do not depend on the observation.

        Args:
            code: ``[B, C]``; only its batch size is used.
            n: Actions per row.
            bounds: Scaled bounds.
            seed: Int32 ``[2]`` or ``[B, 2]``.

        Returns:
            Float32 ``[B, n, A]``.
        """
        unit = stateless_random.uniform(seed, tf.shape(code)[0], [n, bounds.low.shape[0]])
        return bounds.low + unit * (bounds.high - bounds.low)

    def first_actions(
        self, code: tf.Tensor, n: int, bounds: protocols.Bounds, seed: tf.Tensor
    ) -> tf.Tensor:
        """Returns the same as `sample`."""
        return self.sample(code, n, bounds, seed)

    def log_prob(
        self, code: tf.Tensor, actions: tf.Tensor, bounds: protocols.Bounds, seed: tf.Tensor
    ) -> tf.Tensor:
        """Returns the log density, float32 ``[B, N]``: −inf outside the bounds.

        Dimensions of zero width hold a single value and do not count.

        Args:
            code: ``[B, C]``, not used.
            actions: ``[B, N, A]``, scaled.
            bounds: Scaled bounds.
            seed: Not used.
        """
        del code, seed
        width = bounds.high - bounds.low
        log_volume = tf.reduce_sum(tf.where(width > 0, tf.math.log(tf.maximum(width, 1e-30)), 0.0))
        inside = tf.reduce_all((actions >= bounds.low) & (actions <= bounds.high), axis=-1)
        return tf.where(inside, -log_volume, -float("inf"))
