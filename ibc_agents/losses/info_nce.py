"""InfoNCE on energies (paper Sec. 2)."""

from __future__ import annotations

import gin
import tensorflow as tf

from ibc_agents.losses import shapes


@gin.configurable
class InfoNCE:
    """−log [ exp(−E⁺) / (exp(−E⁺) + Σ_j exp(−E_j)) ].

    The classification of the demonstration among itself and its N counter-examples. Equal energies
    give log(N + 1). It is the maximum-likelihood gradient when counter-examples are drawn
    uniformly; log densities are accepted, as every loss's, and not used.
    """

    def __init__(self):
        """Creates the loss, which has no settings."""

    def __call__(
        self,
        demonstration_energy: tf.Tensor,
        counter_example_energies: tf.Tensor,
        demonstration_log_prob: tf.Tensor | None = None,
        counter_example_log_probs: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Computes the loss of each example.

        Args:
            demonstration_energy: float32 ``[B]``.
            counter_example_energies: float32 ``[B, N]``.
            demonstration_log_prob: not used.
            counter_example_log_probs: not used.

        Returns:
            float32 ``[B]``, at least 0.

        Raises:
            ValueError: if the shapes are not ``[B]`` and ``[B, N]``.
        """
        del demonstration_log_prob, counter_example_log_probs
        shapes.check_energies(self, demonstration_energy, counter_example_energies)
        logits = -tf.concat([demonstration_energy[:, None], counter_example_energies], axis=1)
        return -tf.nn.log_softmax(logits, axis=1)[:, 0]
