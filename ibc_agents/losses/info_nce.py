"""InfoNCE on energies, the loss of the paper."""

from __future__ import annotations

import gin
import tensorflow as tf

from ibc_agents.losses import shapes


@gin.configurable
class InfoNCE:
    """−log [ exp(−E⁺) / (exp(−E⁺) + Σ_j exp(−E_j)) ].

    The cross-entropy of classifying the demonstration among itself and its N counter-examples.
    Equal energies give log(N + 1). For uniform counter-examples the gradient approximates that of
    maximum likelihood. The log densities that every loss accepts are not used.

    References:
        Florence et al., "Implicit Behavioral Cloning", 2021, Sec. 2.
        https://arxiv.org/abs/2109.00137
        van den Oord et al., "Representation Learning with Contrastive Predictive Coding", 2018.
        https://arxiv.org/abs/1807.03748

    Examples:
        >>> InfoNCE()(tf.zeros([1]), tf.zeros([1, 7])).numpy().round(3)
        array([2.079], dtype=float32)
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
            demonstration_energy: Float32 ``[B]``.
            counter_example_energies: Float32 ``[B, N]``.
            demonstration_log_prob: Not used.
            counter_example_log_probs: Not used.

        Returns:
            Float32 ``[B]``, at least 0.

        Raises:
            ValueError: If the shapes are not ``[B]`` and ``[B, N]``.
        """
        del demonstration_log_prob, counter_example_log_probs
        shapes.check_energies(self, demonstration_energy, counter_example_energies)
        logits = -tf.concat([demonstration_energy[:, None], counter_example_energies], axis=1)
        return -tf.nn.log_softmax(logits, axis=1)[:, 0]
