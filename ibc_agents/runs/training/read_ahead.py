"""Fetches the next batch while a training step uses the current one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import tensorflow as tf


class ReadAhead:
    """Iterates over batches, each of which is fetched during the previous training step.

    It is for loops of steps in one graph. In such a loop a step waits for all operations of the
    previous step, so that an iterator begins to fetch a batch only then, even if a prefetched batch
    is ready. This class fetches one batch more than it returns, and a step ends when the batch of
    the next step is there.

    Args:
        batches: Endless iterator of nests of tensors, all with the shapes and dtypes of the first.
            The first batch is fetched at once.

    Raises:
        StopIteration: If there is no batch.
        tf.errors.OpError: If the first batch cannot be made. A later batch raises it one step
            before it is returned.
    """

    def __init__(self, batches: Iterator[Any]) -> None:
        self._batches = batches
        self._like = next(batches)
        self._next = []
        for tensor in tf.nest.flatten(self._like, expand_composites=True):
            with tf.device(tensor.device):
                self._next.append(tf.Variable(tensor, trainable=False))

    def __iter__(self) -> ReadAhead:
        return self

    def __next__(self) -> Any:
        batch = [variable.read_value() for variable in self._next]
        # In a graph, only the assignments are ordered after the reads above. The fetch waits for
        # nothing, and only the next step waits for it.
        fetched = tf.nest.flatten(next(self._batches), expand_composites=True)
        for variable, tensor in zip(self._next, fetched, strict=True):
            variable.assign(tensor)
        return tf.nest.pack_sequence_as(self._like, batch, expand_composites=True)
