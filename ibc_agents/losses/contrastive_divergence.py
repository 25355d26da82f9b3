"""Contrastive divergence on energies (Hinton 2002; Du and Mordatch 2019)."""

from __future__ import annotations

import gin
import tensorflow as tf

from ibc_agents.losses import shapes


@gin.configurable
class ContrastiveDivergence:
    """E⁺ − mean_j E_j: the demonstration's energy down, its counter-examples' up.

    With counter-examples drawn from exp(−E) itself this is the gradient of the negative log
    likelihood. So they must be what a sampler made of the proposal's samples
    (`counter_example_sampler`, Langevin), and a `GradientPenalty` must hold the energies: nothing
    in this loss bounds them, and with plain uniform counter-examples they run away.

    Energies, not their softmax, are compared, so the loss says nothing about how well the
    demonstration is told from the others; watch `demonstration_picked` instead.
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
            counter_example_log_probs: must be None: counter-examples of known density were not
                moved by a sampler.

        Returns:
            float32 ``[B]``, of any sign.

        Raises:
            ValueError: if the shapes are not ``[B]`` and ``[B, N]``, or the counter-examples are a
                proposal's own.
        """
        del demonstration_log_prob
        shapes.check_energies(self, demonstration_energy, counter_example_energies)
        if counter_example_log_probs is not None:
            raise ValueError(
                "ContrastiveDivergence needs counter-examples that follow the energy, but these "
                "are the proposal's as they were drawn: set "
                "ImplicitBCAgent.counter_example_sampler, for example to Langevin. "
                "AutoregressiveBCAgent cannot use this loss."
            )
        return demonstration_energy - tf.reduce_mean(counter_example_energies, axis=1)
