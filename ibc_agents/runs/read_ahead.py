"""The next batch is fetched while a step uses the one before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import tensorflow as tf


class ReadAhead:
    """Iterates over the same batches, each of which was fetched during the step before.

    For loops of steps within one graph. There a step waits for all of the step before, so that
    asking an iterator for a batch begins only then, however many batches lie ready. So one batch
    more than is taken is fetched, and a step is over when the next one's batch is there.

    Args:
        batches: nests of tensors, each of the first one's shapes and dtypes; without an end. It is
            asked for the first one at once.

    Raises:
        StopIteration: if there is no batch.
        tf.errors.OpError: if the first batch cannot be made; later ones raise it when they are
            fetched, one step before they are used.
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
        # In a graph this is ordered after the line above only where it writes: the fetching itself
        # waits for nothing, and no step waits for it but the next one.
        fetched = tf.nest.flatten(next(self._batches), expand_composites=True)
        for variable, tensor in zip(self._next, fetched, strict=True):
            variable.assign(tensor)
        return tf.nest.pack_sequence_as(self._like, batch, expand_composites=True)
