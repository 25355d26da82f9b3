"""An optimizer step that skips gradients and updates that are not finite."""

from __future__ import annotations

import tensorflow as tf

from ibc_agents.core import setting_checks


class GuardedUpdate(tf.Module):
    """Applies gradients if loss, gradients and updated weights are finite; counts skipped steps.

    A step with a loss or gradient that is not finite leaves weights and optimizer state (moments,
    iteration count) as they were. An update after which a weight is not finite is undone: the
    weights return to their values, and optimizer state that is not finite becomes 0. The norm of
    weights or gradients above 1e19 is not finite in float32.

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

    def has_finite_state(self) -> bool:
        """Returns whether the whole state of the optimizer is finite. It may be slow."""
        return all(
            bool(tf.reduce_all(tf.math.is_finite(variable))) for variable in self._float_state()
        )

    def _apply_everywhere(self, strategy, finite, gradients, variables):
        # All replicas have the same sums. The branches are outside the replicas, because a strategy
        # allows no variable updates inside a tf.cond.
        def update():
            # Copies nothing yet: TensorFlow copies a variable that is updated while it is held.
            previous = [variable.read_value() for variable in variables]
            strategy.extended.call_for_each_replica(self._apply, args=(gradients, variables))
            return tf.cond(
                tf.math.is_finite(global_norm(variables)),
                lambda: True,
                lambda: self._undo(variables, previous),
            )

        applied = tf.cond(strategy.experimental_local_results(finite)[0], update, lambda: False)
        skipped = 1 - tf.cast(applied, tf.int64)
        self.skipped.assign_add(skipped)
        self.skipped_in_a_row.assign(skipped * (self.skipped_in_a_row + 1))

    def _undo(self, variables, previous):
        for variable, value in zip(variables, previous, strict=True):
            variable.assign(value)
        for variable in self._float_state():
            finite = tf.math.is_finite(variable)
            variable.assign(tf.where(finite, variable, tf.zeros_like(variable)))
        return False

    def _float_state(self):
        return [variable for variable in self.optimizer.variables if variable.dtype.is_floating]

    def _apply(self, gradients, variables):
        self.optimizer.apply_gradients(
            zip(gradients, variables, strict=True), skip_gradients_aggregation=True
        )


def global_norm(gradients: list[tf.Tensor]) -> tf.Tensor:
    """Returns the global norm; 0 for an empty list, which TensorFlow rejects."""
    return tf.linalg.global_norm(gradients) if gradients else tf.zeros([])
