"""Conversion between nests of actions and flat action vectors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import tensorflow as tf
from tf_agents.specs import tensor_spec


class ActionSpace:
    """Flattens actions of a spec in the nest's order, and packs them again.

    Attributes:
        spec: The nest of `tf.TensorSpec`s of the actions.
        size: A, the number of action dimensions.
        low: Float64 ``[A]``, the environment's lower bounds, −inf without one.
        high: Float64 ``[A]``, the upper bounds.
    """

    def __init__(self, spec: Any):
        """Builds the action space.

        Args:
            spec: A nest of float `tf.TensorSpec`s, bounded or not.

        Raises:
            ValueError: If a leaf is not a float tensor of known shape.
        """
        self.spec = tensor_spec.from_spec(spec)
        self._leaves = tf.nest.flatten(self.spec)
        for leaf in self._leaves:
            if not leaf.dtype.is_floating or not leaf.shape.is_fully_defined():
                raise ValueError(
                    "Actions must be float vectors of known shape, but the action spec has "
                    f"{leaf}. Relax discrete actions to continuous ones first."
                )
        self._sizes = [math.prod(leaf.shape) for leaf in self._leaves]
        self.size = sum(self._sizes)
        if self.size == 0:
            raise ValueError(f"The action spec {spec} has no elements.")
        self.low = self._bound("minimum", -np.inf)
        self.high = self._bound("maximum", np.inf)

    def flatten(self, actions: Any) -> tf.Tensor:
        """Joins a nest of actions, leaves ``[…, *leaf shape]``, into float32 ``[…, A]``."""
        tf.nest.assert_same_structure(actions, self.spec)
        flat = []
        for action, leaf, size in zip(
            tf.nest.flatten(actions), self._leaves, self._sizes, strict=True
        ):
            action = tf.cast(action, tf.float32)
            outer = tf.shape(action)[: action.shape.rank - leaf.shape.rank]
            flat.append(tf.reshape(action, tf.concat([outer, [size]], 0)))
        return tf.concat(flat, axis=-1) if len(flat) > 1 else flat[0]

    def pack(self, flat: tf.Tensor) -> Any:
        """Cuts ``[…, A]`` into the spec's nest, leaves ``[…, *leaf shape]`` of the same dtype."""
        outer = tf.shape(flat)[:-1]
        leaves = [
            tf.reshape(part, tf.concat([outer, leaf.shape], 0))
            for part, leaf in zip(tf.split(flat, self._sizes, axis=-1), self._leaves, strict=True)
        ]
        return tf.nest.pack_sequence_as(self.spec, leaves)

    def _bound(self, name: str, default: float) -> np.ndarray:
        parts = [
            np.broadcast_to(getattr(leaf, name, default), leaf.shape).reshape(-1)
            for leaf in self._leaves
        ]
        return np.concatenate(parts).astype(np.float64)
