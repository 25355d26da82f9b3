"""Dropout whose random numbers survive a restart."""

from __future__ import annotations

import tensorflow as tf

from ibc_agents.networks import layer_state


class Dropout(tf.keras.layers.Layer):
    """Sets a share of its inputs to 0 in training, and scales up the rest (Srivastava et al. 2014).

    Keras' own layer draws from a generator that no checkpoint holds, so that a resumed run would
    go on with other masks. Here the generator is a variable: a number drawn when the layer is built
    (equal global seeds give equal masks) and a count of the calls with `training`, from which each
    mask follows. Replicas draw masks of their own.
    """

    def __init__(self, rate: float, **kwargs):
        """Creates the layer.

        Args:
            rate: probability of being dropped, in [0, 1).
            **kwargs: of the Keras layer.

        Raises:
            ValueError: if the rate is out of range.
        """
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"The dropout rate must be in [0, 1), got {rate}.")
        self._rate = rate

    def build(self, input_shape):
        """Creates the state, int64 ``[2]``: the layer's own number and the count."""
        self._state = layer_state.add_state(self, "state", [2], tf.int64, _first_state)
        super().build(input_shape)

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Maps ``[…]`` to the same shape; the identity unless `training`."""
        if not training:
            return inputs
        seed = tf.identity(self._state)
        self._state.assign_add([0, 1])
        replica = tf.distribute.get_replica_context()
        if replica is not None and replica.num_replicas_in_sync > 1:
            # Two folds, for one keeps only the folded number in its second word.
            for data in (seed[1], tf.cast(replica.replica_id_in_sync_group, tf.int64)):
                seed = tf.random.experimental.stateless_fold_in(seed, data)
        keep = tf.random.stateless_uniform(tf.shape(inputs), seed) >= self._rate
        return tf.where(keep, inputs / (1.0 - self._rate), 0.0)


def _first_state() -> tf.Tensor:
    number = tf.random.uniform([], 0, tf.int64.max, dtype=tf.int64)
    return tf.stack([number, tf.zeros_like(number)])
