"""An optimizer step that skips gradients that are not finite."""

from __future__ import annotations

import tensorflow as tf

from ibc_agents.core import setting_checks


class GuardedUpdate(tf.Module):
    """Applies gradients if the loss and all of them are finite; counts the steps it skips.

    A skipped step leaves weights and optimizer state (moments, iteration count) as they were.

    Attributes:
        skipped: Int64 variable, steps skipped so far.
        skipped_in_a_row: Int64 variable, steps skipped since the last applied step.
    """

    def __init__(self, optimizer: tf.keras.optimizers.Optimizer):
        """Wraps an optimizer.

        Raises:
            SettingError: If it is not a Keras optimizer.
        """
        setting_checks.check_instance("The optimizer", optimizer, tf.keras.optimizers.Optimizer)
        super().__init__(name="GuardedUpdate")
        self.optimizer = optimizer
        self.skipped = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.skipped_in_a_row = tf.Variable(0, dtype=tf.int64, trainable=False)

    def __call__(
        self, loss: tf.Tensor, gradients: list[tf.Tensor], variables: list[tf.Variable]
    ) -> tf.Tensor:
        """Applies one step.

        Args:
            loss: Scalar, this replica's share.
            gradients: This replica's share, one per variable; summed over replicas here.
            variables: To be updated.

        Returns:
            The global norm of the summed gradients, scalar.
        """
        replica = tf.distribute.get_replica_context()
        if replica.num_replicas_in_sync > 1:
            loss, gradients = replica.all_reduce(tf.distribute.ReduceOp.SUM, (loss, gradients))
        norm = global_norm(gradients)
        finite = tf.math.is_finite(loss) & tf.math.is_finite(norm)
        replica.merge_call(self._apply_everywhere, args=(finite, gradients, variables))
        return norm

    def build(self, variables: list[tf.Variable]) -> None:
        """Creates the optimizer's variables, so that a checkpoint taken at step 0 has them."""
        self.optimizer.build(variables)

    def _apply_everywhere(self, strategy, finite, gradients, variables):
        # All replicas have the same sums. The branch is outside the replicas, because a strategy
        # allows no variable updates inside a tf.cond.
        def apply():
            strategy.extended.call_for_each_replica(self._apply, args=(gradients, variables))
            self.skipped_in_a_row.assign(0)

        def skip():
            self.skipped.assign_add(1)
            self.skipped_in_a_row.assign_add(1)

        tf.cond(strategy.experimental_local_results(finite)[0], apply, skip)

    def _apply(self, gradients, variables):
        self.optimizer.apply_gradients(
            zip(gradients, variables, strict=True), skip_gradients_aggregation=True
        )


def global_norm(gradients: list[tf.Tensor]) -> tf.Tensor:
    """Returns the global norm; 0 for an empty list, which TensorFlow rejects."""
    return tf.linalg.global_norm(gradients) if gradients else tf.zeros([])
