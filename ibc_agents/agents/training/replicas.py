"""Parts of a training step that depend on the replicas of a strategy."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from ibc_agents.core import stateless_random


def seed_of_replica(seed: tf.Tensor) -> tf.Tensor:
    """Returns this replica's seed, int32 ``[2]``; `seed` itself if there is one replica."""
    replica = _one_of_several()
    if replica is None:
        return seed
    return stateless_random.fold_in(seed, replica.replica_id_in_sync_group)


def sum_over_replicas(values: Any) -> Any:
    """Returns the sums of a nest of tensors over all replicas."""
    replica = _one_of_several()
    return values if replica is None else replica.all_reduce(tf.distribute.ReduceOp.SUM, values)


def masked_mean(values: tf.Tensor, mask: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    """Returns this replica's share of the mean of the values whose mask is positive.

    Args:
        values: Float32 ``[B]``; values with mask 0 may be non-finite.
        mask: Float32 ``[B]``, 0 or 1.
        count: Sum of the masks of all replicas, scalar; the mean of no values is 0.
    """
    return tf.math.divide_no_nan(tf.reduce_sum(tf.where(mask > 0, values, 0.0)), count)


def _one_of_several() -> tf.distribute.ReplicaContext | None:
    replica = tf.distribute.get_replica_context()
    return replica if replica is not None and replica.num_replicas_in_sync > 1 else None
