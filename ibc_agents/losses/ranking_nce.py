"""Ranking noise-contrastive estimation on energies (Ma and Collins 2018)."""

from __future__ import annotations

import gin
import tensorflow as tf

from ibc_agents.losses import shapes

# A demonstration where the proposal never is (a density of 0) cannot be confused with its samples;
# the logarithm that says so must be finite.
_LEAST_LOG_PROB = -1e6


@gin.configurable
class RankingNCE:
    """−log [ r⁺ / (r⁺ + Σ_j r_j) ] with r = exp(−E) / q: InfoNCE, corrected for the proposal.

    For counter-examples from any proposal of known density q(a|o) its minimum is, as their number
    grows, the energy of p(a|o) itself; InfoNCE would learn that of p / q. With a uniform q both are
    the same. The proposal may learn beside the energy: for each q the answer is the same.
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
            demonstration_log_prob: log q of the demonstration, ``[B]``; −inf gives a loss of 0.
            counter_example_log_probs: log q of the counter-examples, ``[B, N]``.

        Returns:
            float32 ``[B]``, at least 0.

        Raises:
            ValueError: if the shapes are not ``[B]`` and ``[B, N]``, or no densities come.
        """
        shapes.check_energies(self, demonstration_energy, counter_example_energies)
        if demonstration_log_prob is None or counter_example_log_probs is None:
            raise ValueError(
                "RankingNCE needs the density of the counter-examples, which a sampler that moves "
                "them does not know: leave ImplicitBCAgent.counter_example_sampler out, or take "
                "InfoNCE."
            )
        energies = tf.concat([demonstration_energy[:, None], counter_example_energies], axis=1)
        log_probs = tf.concat([demonstration_log_prob[:, None], counter_example_log_probs], axis=1)
        log_probs = tf.maximum(log_probs, _LEAST_LOG_PROB)
        return -tf.nn.log_softmax(-energies - log_probs, axis=1)[:, 0]
