"""Stateless random numbers, for a whole batch or row by row.

A seed of shape ``[2]`` draws for the whole batch at once, as in training. A seed of shape
``[B, 2]`` gives every row its own stream, so that the draws of a row do not depend on the
other rows of the batch, as in policies. Equal seeds give equal numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf


def as_seed(seed: int, counter: tf.Tensor) -> tf.Tensor:
    """Joins a run's seed and a step counter (scalar int) into a seed, int32 ``[2]``."""
    return tf.stack([tf.constant(seed, tf.int32), tf.cast(counter, tf.int32)])


def fold_in(seed: tf.Tensor, data: int) -> tf.Tensor:
    """Derives an independent seed of the same shape from `seed` and the integer `data`."""
    fold = tf.random.experimental.stateless_fold_in
    if seed.shape.rank == 1:
        return fold(seed, data)
    return _each_row(lambda row: fold(row, data), seed, tf.TensorSpec([2], seed.dtype))


def uniform(seed: tf.Tensor, batch_size: tf.Tensor | int, shape: Sequence[int]) -> tf.Tensor:
    """Draws from U[0, 1): float32 ``[B, *shape]``."""
    return _draw(tf.random.stateless_uniform, seed, batch_size, shape)


def normal(seed: tf.Tensor, batch_size: tf.Tensor | int, shape: Sequence[int]) -> tf.Tensor:
    """Draws from N(0, 1): float32 ``[B, *shape]``."""
    return _draw(tf.random.stateless_normal, seed, batch_size, shape)


def _draw(
    draw: Callable[..., tf.Tensor],
    seed: tf.Tensor,
    batch_size: tf.Tensor | int,
    shape: Sequence[int],
) -> tf.Tensor:
    if seed.shape.rank == 1:
        return draw(tf.stack([batch_size, *shape]), seed)
    # The static part of the shape, which the loop over rows would lose.
    known = [size if isinstance(size, int) else None for size in shape]
    return _each_row(
        lambda row: tf.ensure_shape(draw(tf.stack(shape), row), known),
        seed,
        tf.TensorSpec(known, tf.float32),
    )


def _each_row(
    function: Callable[[tf.Tensor], tf.Tensor], seed: tf.Tensor, spec: tf.TensorSpec
) -> tf.Tensor:
    """Applies a function to every row of ``[B, 2]``; its values have `spec`."""
    if seed.shape[0] == 1:  # as on a robot; a loop costs more than its body
        return function(seed[0])[None]
    if seed.shape[0]:
        return tf.map_fn(function, seed, fn_output_signature=spec)
    # The loop cannot stack the values of no rows if their shape is not static.
    num_rows = tf.shape(seed)[0]
    padded = tf.pad(seed, [[0, tf.cast(num_rows == 0, tf.int32)], [0, 0]])
    return tf.map_fn(function, padded, fn_output_signature=spec)[:num_rows]
