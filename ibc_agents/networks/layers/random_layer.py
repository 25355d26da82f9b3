"""Layers that draw random numbers in training only, and draw the same ones after a restart.

Keras' own layers draw from a generator that is not part of checkpoints, so a resumed run would
continue with other numbers. Here the generator is a variable: a number drawn when the layer is
built (equal global seeds give equal draws) and a count of the calls. Both determine the seed of
each call. Replicas draw different numbers.
"""

from __future__ import annotations

import abc

import tensorflow as tf

from ibc_agents.networks.layers import float32_layers, layer_state


class RandomLayer(float32_layers.Float32Layer, abc.ABC):
    """A layer that is the identity except in training."""

    def build(self, input_shape):
        """Creates the state: a number of the layer and the count of calls."""
        self._state = layer_state.add_state(self, "state", [2], tf.int64, _first_state)
        super().build(input_shape)

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Maps inputs to the same shape."""
        return self._randomized(inputs, self._next_seed()) if training else inputs

    @abc.abstractmethod
    def _randomized(self, inputs: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Returns the outputs in training.

        Args:
            inputs: The inputs of `call`.
            seed: Seed of stateless random numbers, int64 ``[2]``, different in each call.
        """

    def _next_seed(self) -> tf.Tensor:
        """Returns the seed of this call and counts the call."""
        seed = tf.identity(self._state)
        self._state.assign_add([0, 1])
        replica = tf.distribute.get_replica_context()
        if replica is not None and replica.num_replicas_in_sync > 1:
            # Two folds, because the second word of one fold is only the folded number.
            for data in (seed[1], tf.cast(replica.replica_id_in_sync_group, tf.int64)):
                seed = tf.random.experimental.stateless_fold_in(seed, data)
        return seed


def _first_state() -> tf.Tensor:
    number = tf.random.uniform([], 0, tf.int64.max, dtype=tf.int64)
    return tf.stack([number, tf.zeros_like(number)])
