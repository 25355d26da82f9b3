"""Rules for one Langevin step."""

from __future__ import annotations

from typing import Protocol

import gin
import tensorflow as tf

from ibc_agents.core import setting_checks


class Update(Protocol):
    """Computes how one Langevin step changes the actions."""

    def __call__(
        self,
        gradient: tf.Tensor,
        noise: tf.Tensor,
        step_size: tf.Tensor,
        half_range: tf.Tensor,
    ) -> tf.Tensor:
        """Returns the change of the actions, ``[B, N, A]``.

        Args:
            gradient: ∂E/∂a, ``[B, N, A]``.
            noise: Standard normal, ``[B, N, A]``.
            step_size: λ, scalar.
            half_range: Half of the bounds' width, ``[A]``.
        """


@gin.configurable
class PublishedUpdate:
    """−clip(λ (½ ∇E + ω n)), clipped at a fraction of half the action range.

    The step of the authors' code. With ω = 1 the noise is much weaker than that of the exact
    Langevin step, so the chain descends rather than samples from exp(−E).

    References:
        Florence et al., "Implicit Behavioral Cloning", 2021, Appendix B.
        https://arxiv.org/abs/2109.00137
    """

    def __init__(self, noise_scale: float = 1.0, max_change: float = 0.1):
        """Sets the update.

        Args:
            noise_scale: ω, at least 0.
            max_change: Largest change, as a fraction of half the action range; positive.

        Raises:
            SettingError: If a setting is out of range.
        """
        self._noise_scale = setting_checks.check_number(
            "PublishedUpdate.noise_scale", noise_scale, setting_checks.NOT_NEGATIVE
        )
        self._max_change = setting_checks.check_number(
            "PublishedUpdate.max_change", max_change, setting_checks.POSITIVE
        )

    def __call__(self, gradient, noise, step_size, half_range):
        """See `Update`."""
        change = step_size * (0.5 * gradient + self._noise_scale * noise)
        limit = self._max_change * half_range
        return -tf.clip_by_value(change, -limit, limit)


@gin.configurable
class ExactUpdate:
    """−clip(½ λ ∇E) + √(λ τ) n: with small steps the chain samples from exp(−E / τ).

    The unadjusted Langevin step. Only the drift is clipped, because clipped noise would change the
    stationary distribution.

    References:
        Welling and Teh, "Bayesian Learning via Stochastic Gradient Langevin Dynamics", 2011.
        https://dl.acm.org/doi/10.5555/3104482.3104568
    """

    def __init__(self, temperature: float = 1.0, max_change: float = 0.1):
        """Sets the update.

        Args:
            temperature: τ, at least 0.
            max_change: Largest drift, as a fraction of half the action range; positive.

        Raises:
            SettingError: If a setting is out of range.
        """
        self._temperature = setting_checks.check_number(
            "ExactUpdate.temperature", temperature, setting_checks.NOT_NEGATIVE
        )
        self._max_change = setting_checks.check_number(
            "ExactUpdate.max_change", max_change, setting_checks.POSITIVE
        )

    def __call__(self, gradient, noise, step_size, half_range):
        """See `Update`."""
        limit = self._max_change * half_range
        drift = tf.clip_by_value(0.5 * step_size * gradient, -limit, limit)
        return tf.sqrt(step_size * self._temperature) * noise - drift


@gin.configurable
class NormalizedUpdate:
    """−λ ∇E / rms(∇E), without noise: steps of a fixed length for any gradient.

    The steepness of learned energies varies by orders of magnitude, over the course of training and
    between observations. The length of a step in action units can be chosen beforehand.
    """

    def __init__(self):
        """Creates the update, which has no settings."""

    def __call__(self, gradient, noise, step_size, half_range):
        """See `Update`."""
        del noise
        # A dimension of zero width cannot move and must not contribute to the length of the step.
        gradient = tf.where(half_range > 0, gradient, 0.0)
        mean_square = tf.reduce_mean(tf.square(gradient), axis=-1, keepdims=True)
        return -step_size * gradient * tf.math.rsqrt(mean_square + 1e-12)
