"""A margin between the energy of the demonstration and those of its counter-examples."""

from __future__ import annotations

import gin
import tensorflow as tf

from ibc_agents.losses import shapes


@gin.configurable
class MarginLoss:
    """Penalizes counter-examples whose energy is less than a margin above the demonstration's.

    Args:
        margin: Difference of energies, at least 0.
    """

    def __init__(self, margin: float = 1.0):
        self._margin = margin

    def __call__(
        self,
        demonstration_energy: tf.Tensor,
        counter_example_energies: tf.Tensor,
        demonstration_log_prob: tf.Tensor | None = None,
        counter_example_log_probs: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Computes the loss of each example.

        Args:
            demonstration_energy: Float32 [B].
            counter_example_energies: Float32 [B, N].
            demonstration_log_prob: Not used.
            counter_example_log_probs: Not used.

        Returns:
            Float32 [B], at least 0.

        Raises:
            ValueError: If the shapes are not [B] and [B, N].
        """
        shapes.check_energies(self, demonstration_energy, counter_example_energies)
        differences = counter_example_energies - demonstration_energy[:, None]
        return tf.reduce_mean(tf.nn.relu(self._margin - differences), axis=1)
