"""Contrastive divergence on energies."""

from __future__ import annotations

import gin
import tensorflow as tf

from ibc_agents.core import errors
from ibc_agents.losses import shapes


@gin.configurable
class ContrastiveDivergence:
    """E⁺ − mean_j E_j: lowers the demonstration's energy and raises its counter-examples'.

    With counter-examples drawn from exp(−E) this is the gradient of the negative log likelihood.
    They must therefore be samples that a sampler has moved (`CounterExamples.sampler`, Langevin),
    and a `GradientPenalty` must be set: the loss itself bounds no energy, and with uniform
    counter-examples the energies diverge.

    The loss compares energies and not their softmax, so its value does not measure accuracy;
    `top1_accuracy` does.

    References:
        Hinton, "Training Products of Experts by Minimizing Contrastive Divergence", 2002.
        https://doi.org/10.1162/089976602760128018
        Du and Mordatch, "Implicit Generation and Modeling with Energy-Based Models", 2019.
        https://arxiv.org/abs/1903.08689

    Examples:
        >>> ContrastiveDivergence()(tf.constant([1.0]), tf.constant([[2.0, 4.0]])).numpy()
        array([-2.], dtype=float32)
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
            counter_example_log_probs: Must be None; a known density means that no sampler has moved
                the counter-examples.

        Returns:
            Float32 ``[B]``, of any sign.

        Raises:
            ValueError: If the shapes are not ``[B]`` and ``[B, N]``, or no sampler has moved
                the counter-examples (a `SettingError`).
        """
        del demonstration_log_prob
        shapes.check_energies(self, demonstration_energy, counter_example_energies)
        if counter_example_log_probs is not None:
            raise errors.SettingError(
                "ContrastiveDivergence needs counter-examples that follow the energy, but these "
                "are the proposal's own samples. Set CounterExamples.sampler, for example to "
                "Langevin. AutoregressiveBCAgent cannot use this loss."
            )
        return demonstration_energy - tf.reduce_mean(counter_example_energies, axis=1)
