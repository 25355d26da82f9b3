"""Noise on demonstrated actions."""

from __future__ import annotations

import tensorflow as tf

from ibc_agents.core import protocols, stateless_random


def add_reflected_noise(
    action: tf.Tensor, stddev: float, bounds: protocols.Bounds, seed: tf.Tensor
) -> tf.Tensor:
    """Adds normal noise to actions; noisy actions are reflected at the bounds.

    Outside the bounds there are no counter-examples to contrast with a demonstration.

    Args:
        action: Scaled actions ``[B, A]`` inside the bounds.
        stddev: Standard deviation of the noise, in scaled units.
        bounds: The search bounds.
        seed: Int32 ``[2]``.

    Returns:
        Float32 ``[B, A]``.
    """
    noise = stateless_random.normal(seed, tf.shape(action)[0], [action.shape[-1]])
    above = bounds.low + tf.abs(action + stddev * noise - bounds.low)
    inside = bounds.high - tf.abs(bounds.high - above)
    return keep_constant_dimensions(inside, action, bounds)


def keep_constant_dimensions(
    noisy: tf.Tensor, action: tf.Tensor, bounds: protocols.Bounds
) -> tf.Tensor:
    """Returns noisy actions, with the original values in dimensions that never vary in the data.

    In such a dimension the bounds have zero width and all counter-examples are equal, so noise
    alone would identify the demonstration.

    Args:
        noisy: Scaled actions ``[…, A]``.
        action: The same actions without noise, broadcastable to `noisy`.
        bounds: The search bounds.
    """
    return tf.where(bounds.high > bounds.low, noisy, action)
