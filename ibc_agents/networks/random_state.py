"""Random numbers of layers, drawn in training only, that survive a restart.

Keras' own layers draw from a generator that no checkpoint holds, so that a resumed run would go on
with other numbers. Here the generator is a variable: a number drawn when the layer is built (equal
global seeds give equal draws) and a count of the calls, from which each call's seed follows.
Replicas draw numbers of their own.
"""

from __future__ import annotations

import tensorflow as tf

from ibc_agents.networks import layer_state


def add_random_state(layer: tf.keras.layers.Layer) -> tf.Variable:
    """Adds the state, int64 ``[2]``: the layer's own number and the count. For `build` to call."""
    return layer_state.add_state(layer, "state", [2], tf.int64, _first_state)


def next_seed(state: tf.Variable) -> tf.Tensor:
    """Counts one more call and returns its seed for stateless random numbers, int64 ``[2]``."""
    seed = tf.identity(state)
    state.assign_add([0, 1])
    replica = tf.distribute.get_replica_context()
    if replica is not None and replica.num_replicas_in_sync > 1:
        # Two folds, for one keeps only the folded number in its second word.
        for data in (seed[1], tf.cast(replica.replica_id_in_sync_group, tf.int64)):
            seed = tf.random.experimental.stateless_fold_in(seed, data)
    return seed


def _first_state() -> tf.Tensor:
    number = tf.random.uniform([], 0, tf.int64.max, dtype=tf.int64)
    return tf.stack([number, tf.zeros_like(number)])
