"""Variables of a layer that training moves, but no gradient."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf


def add_state(
    layer: tf.keras.layers.Layer,
    name: str,
    shape: Sequence[int],
    dtype: tf.DType,
    initial_value: Callable[[], tf.Tensor],
) -> tf.Variable:
    """Adds a non-trainable variable, for `build` of a layer to call.

    It may be written in a layer's `call`, also by replicas: each has a copy of its own, which all
    must move alike, and a checkpoint takes the first one's.

    Args:
        layer: that it belongs to.
        name: of the variable.
        shape: of the variable.
        dtype: of the variable.
        initial_value: makes the first value.
    """
    return layer.add_weight(
        name,
        shape=shape,
        dtype=dtype,
        initializer=lambda *args, **kwargs: initial_value(),
        trainable=False,
        synchronization=tf.VariableSynchronization.ON_READ,
        aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
    )
