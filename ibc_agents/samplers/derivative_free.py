"""Derivative-free optimisation (paper appendix, algorithm 1; here DFO)."""

from __future__ import annotations

import gin
import tensorflow as tf

from ibc_agents import random, types


@gin.configurable
class DerivativeFree:
    """Resamples by energy, adds shrinking noise, scores again.

    Every iteration scores all samples. Every iteration but the last then draws as many samples with
    replacement from softmax(−E), adds N(0, σ²) noise, clips to the bounds, and shrinks σ.
    Published: 3 iterations (so two rounds of noise), σ₀ = 0.33, factor 0.5.
    """

    def __init__(
        self, num_iterations: int = 3, noise_stddev: float = 0.33, noise_shrink: float = 0.5
    ):
        """Sets the optimiser.

        Args:
            num_iterations: times all samples are scored, at least 1.
            noise_stddev: σ₀, in scaled action units, not negative.
            noise_shrink: factor on σ after each round, in (0, 1].

        Raises:
            ValueError: if a value is out of range.
        """
        if num_iterations < 1 or noise_stddev < 0 or not 0 < noise_shrink <= 1:
            raise ValueError(
                "DerivativeFree needs num_iterations ≥ 1, noise_stddev ≥ 0 and noise_shrink in "
                f"(0, 1], got {num_iterations}, {noise_stddev}, {noise_shrink}."
            )
        self._num_iterations = num_iterations
        self._noise_stddev = noise_stddev
        self._noise_shrink = noise_shrink

    def __call__(
        self,
        energy_fn: types.EnergyFn,
        initial_actions: tf.Tensor,
        bounds: types.Bounds,
        seed: tf.Tensor,
        trace: bool = False,
    ) -> types.SamplerResult:
        """Runs the optimiser; see `ibc_agents.types.Sampler`."""
        actions, energies = initial_actions, energy_fn(initial_actions)
        visited = [actions]
        for k in range(self._num_iterations - 1):
            actions = _resample(actions, energies, random.fold_in(seed, 2 * k))
            noise = random.normal(
                random.fold_in(seed, 2 * k + 1),
                tf.shape(actions)[0],
                [tf.shape(actions)[1], actions.shape[2]],
            )
            stddev = self._noise_stddev * self._noise_shrink**k
            actions = tf.clip_by_value(actions + stddev * noise, bounds.low, bounds.high)
            energies = energy_fn(actions)
            visited.append(actions)
        return types.SamplerResult(actions, energies, tf.stack(visited) if trace else None)


def _resample(actions: tf.Tensor, energies: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Draws as many actions with replacement from softmax(−E), by inverting its sums."""
    cumulative = tf.cumsum(tf.nn.softmax(-energies, axis=-1), axis=-1)
    n = tf.shape(energies)[1]
    draws = random.uniform(seed, tf.shape(energies)[0], [n]) * cumulative[:, -1:]
    chosen = tf.searchsorted(cumulative, draws, side="right")
    # Rounding can put a draw at the very end of the sums.
    return tf.gather(actions, tf.minimum(chosen, n - 1), batch_dims=1)
