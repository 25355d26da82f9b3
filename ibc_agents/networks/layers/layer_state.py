"""Variables of a layer that change in training without a gradient."""

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

    A layer's `call` may write it, also on replicas. Each replica has a copy, all copies must change
    equally, and a checkpoint contains the first one.

    Args:
        layer: The owner of the variable.
        name: Name of the variable.
        shape: Shape of the variable.
        dtype: Dtype of the variable.
        initial_value: Makes the first value.
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
