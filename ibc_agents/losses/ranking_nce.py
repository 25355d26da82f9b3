"""Ranking noise-contrastive estimation on energies."""

from __future__ import annotations

import gin
import tensorflow as tf

from ibc_agents.core import errors
from ibc_agents.losses import shapes

# A density of 0 at the demonstration means a loss of 0; its logarithm must stay finite for that.
_MIN_LOG_PROB = -1e6


@gin.configurable
class RankingNCE:
    """−log [ r⁺ / (r⁺ + Σ_j r_j) ] with r = exp(−E) / q: InfoNCE, corrected for the proposal.

    For counter-examples from a proposal of known density q(a|o), the minimizer tends to the energy
    of p(a|o) as their number grows; the minimizer of InfoNCE tends to that of p / q. For a uniform
    q both are equal. The proposal may be trained together with the energy, since the minimizer does
    not depend on q.

    References:
        Ma and Collins, "Noise Contrastive Estimation and Negative Sampling for Conditional Models",
        2018. https://arxiv.org/abs/1809.01812

    Examples:
        >>> log_prob, log_probs = tf.zeros([1]), tf.fill([1, 1], tf.math.log(3.0))
        >>> RankingNCE()(tf.zeros([1]), tf.zeros([1, 1]), log_prob, log_probs).numpy().round(3)
        array([0.288], dtype=float32)
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
            demonstration_log_prob: Log q of the demonstration, ``[B]``; −inf gives a loss of 0.
            counter_example_log_probs: Log q of the counter-examples, ``[B, N]``.

        Returns:
            Float32 ``[B]``, at least 0.

        Raises:
            ValueError: If the shapes are not ``[B]`` and ``[B, N]``, or the densities are None (a
                `SettingError`).
        """
        shapes.check_energies(self, demonstration_energy, counter_example_energies)
        if demonstration_log_prob is None or counter_example_log_probs is None:
            raise errors.SettingError(
                "RankingNCE needs the density of the counter-examples, which is unknown once a "
                "sampler has moved them. Leave CounterExamples.sampler at None, or use InfoNCE."
            )
        energies = tf.concat([demonstration_energy[:, None], counter_example_energies], axis=1)
        log_probs = tf.concat([demonstration_log_prob[:, None], counter_example_log_probs], axis=1)
        log_probs = tf.maximum(log_probs, _MIN_LOG_PROB)
        return -tf.nn.log_softmax(-energies - log_probs, axis=1)[:, 0]
