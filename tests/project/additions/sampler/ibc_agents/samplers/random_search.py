"""Random search around the initial actions."""

from __future__ import annotations

import gin
import tensorflow as tf

from ibc_agents.core import protocols, stateless_random


@gin.configurable
class RandomSearch(protocols.Sampler):
    """Replaces each action by a Gaussian neighbor if the neighbor has a lower energy.

    Args:
        stddev: Standard deviation of the step, in scaled actions.
    """

    def __init__(self, stddev: float = 0.1):
        self._stddev = stddev

    def __call__(
        self,
        energy_fn: protocols.EnergyFunction,
        initial_actions: tf.Tensor,
        bounds: protocols.Bounds,
        seed: tf.Tensor,
        trace: bool = False,
    ) -> protocols.SamplerResult:
        """Searches once; see `ibc_agents.core.protocols.Sampler`."""
        batch_size, n, size = initial_actions.shape
        noise = stateless_random.normal(seed, tf.shape(initial_actions)[0], [n, size])
        steps = initial_actions + self._stddev * noise
        neighbors = tf.clip_by_value(steps, bounds.low, bounds.high)
        old, new = energy_fn(initial_actions), energy_fn(neighbors)
        is_lower = new < old
        actions = tf.where(is_lower[..., None], neighbors, initial_actions)
        result = protocols.SamplerResult(actions, tf.where(is_lower, new, old))
        return result._replace(trace=tf.stack([initial_actions, actions])) if trace else result
