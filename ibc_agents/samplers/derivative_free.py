"""Derivative-free optimization of the energy."""

from __future__ import annotations

import gin
import tensorflow as tf

from ibc_agents.core import protocols, setting_checks, stateless_random


@gin.configurable
class DerivativeFree(protocols.Sampler):
    """Resamples by energy, adds shrinking noise and scores again.

    Samples are clipped to the bounds. Every iteration scores all of them. Every iteration but the
    last then draws N samples with replacement from softmax(−E), adds N(0, σ²) noise, clips to the
    bounds, and shrinks σ. The published settings are 3 iterations (two rounds of noise), σ₀ = 0.33
    and a factor of 0.5.

    References:
        Florence et al., "Implicit Behavioral Cloning", 2021, Appendix B, Algorithm 1.
        https://arxiv.org/abs/2109.00137
    """

    def __init__(
        self, num_iterations: int = 3, noise_stddev: float = 0.33, noise_shrink: float = 0.5
    ):
        """Sets the optimizer.

        Args:
            num_iterations: Number of times that all samples are scored, at least 1.
            noise_stddev: σ₀, in scaled action units, not negative.
            noise_shrink: Factor on σ after each round, in (0, 1].

        Raises:
            SettingError: If a setting is out of range.
        """
        self._num_iterations = setting_checks.check_integer(
            "DerivativeFree.num_iterations", num_iterations, minimum=1
        )
        self._noise_stddev = setting_checks.check_number(
            "DerivativeFree.noise_stddev", noise_stddev, setting_checks.NOT_NEGATIVE
        )
        self._noise_shrink = setting_checks.check_number(
            "DerivativeFree.noise_shrink", noise_shrink, setting_checks.POSITIVE_FRACTION
        )

    def __call__(
        self,
        energy_fn: protocols.EnergyFunction,
        initial_actions: tf.Tensor,
        bounds: protocols.Bounds,
        seed: tf.Tensor,
        trace: bool = False,
    ) -> protocols.SamplerResult:
        """Runs the optimizer; see `ibc_agents.core.protocols.Sampler`."""
        actions = tf.clip_by_value(initial_actions, bounds.low, bounds.high)
        energies = energy_fn(actions)
        batch_size, n, _ = tf.unstack(tf.shape(initial_actions))
        size = initial_actions.shape[-1]
        rounds = self._num_iterations - 1
        # One draw for all rounds: with a seed per row, each draw costs a loop over the batch.
        draws = stateless_random.uniform(stateless_random.fold_in(seed, 0), batch_size, [rounds, n])
        noise = stateless_random.normal(
            stateless_random.fold_in(seed, 1), batch_size, [rounds, n, size]
        )
        visited, parents = [actions], [tf.zeros([0, batch_size, n], tf.int32)]
        for k in range(rounds):
            stddev = self._noise_stddev * self._noise_shrink**k
            chosen = _resample(energies, draws[:, k])
            actions = tf.gather(actions, chosen, batch_dims=1) + stddev * noise[:, k]
            actions = tf.clip_by_value(actions, bounds.low, bounds.high)
            energies = energy_fn(actions)
            visited.append(actions)
            parents.append(chosen[None])
        if not trace:
            return protocols.SamplerResult(actions, energies)
        return protocols.SamplerResult(actions, energies, tf.stack(visited), tf.concat(parents, 0))


def _resample(energies: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
    """Draws N samples with replacement from softmax(−E), by inversion of its cumulative sums.

    Args:
        energies: Float32 ``[B, N]``.
        draws: Uniform in [0, 1), ``[B, N]``.

    Returns:
        The indices of the samples, int32 ``[B, N]``.
    """
    cumulative = tf.cumsum(tf.nn.softmax(-energies, axis=-1), axis=-1)
    chosen = tf.searchsorted(cumulative, draws * cumulative[:, -1:], side="right")
    # Rounding can put a draw at the end of the sums.
    return tf.minimum(chosen, tf.shape(energies)[1] - 1)
