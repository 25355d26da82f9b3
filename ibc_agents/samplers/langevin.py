"""Langevin dynamics on the energy (paper Sec. 2 and appendix)."""

from __future__ import annotations

from typing import Protocol

import gin
import tensorflow as tf

from ibc_agents.core import protocols, stateless_random
from ibc_agents.samplers import schedules


class Update(Protocol):
    """How one Langevin step changes the actions."""

    def __call__(
        self,
        gradient: tf.Tensor,
        noise: tf.Tensor,
        step_size: tf.Tensor,
        half_range: tf.Tensor,
    ) -> tf.Tensor:
        """Returns what to add, ``[B, N, A]``.

        Args:
            gradient: ∂E/∂a, ``[B, N, A]``.
            noise: standard normal, ``[B, N, A]``.
            step_size: λ, scalar.
            half_range: half of the bounds' width, ``[A]``.
        """


@gin.configurable
class PublishedUpdate:
    """−clip(λ (½ ∇E + ω n)), the clip at a fraction of half the action range.

    As published. With ω = 1 the noise is far weaker than what samples from exp(−E): the chain
    descends rather than samples.
    """

    def __init__(self, noise_scale: float = 1.0, max_change: float = 0.1):
        """Sets ω and the clip (a fraction of half the range).

        Raises:
            ValueError: if `noise_scale` is negative or `max_change` not positive.
        """
        _check_update(noise_scale, max_change)
        self._noise_scale = noise_scale
        self._max_change = max_change

    def __call__(self, gradient, noise, step_size, half_range):
        """See `Update`."""
        change = step_size * (0.5 * gradient + self._noise_scale * noise)
        limit = self._max_change * half_range
        return -tf.clip_by_value(change, -limit, limit)


@gin.configurable
class ExactUpdate:
    """−clip(½ λ ∇E) + √(λ τ) n: for small steps the chain samples from exp(−E / τ).

    The standard unadjusted Langevin step (Welling and Teh, 2011). The clip touches the drift only,
    for clipping the noise would change the distribution everywhere.
    """

    def __init__(self, temperature: float = 1.0, max_change: float = 0.1):
        """Sets τ and the clip of the drift (a fraction of half the range).

        Raises:
            ValueError: if `temperature` is negative or `max_change` not positive.
        """
        _check_update(temperature, max_change)
        self._temperature = temperature
        self._max_change = max_change

    def __call__(self, gradient, noise, step_size, half_range):
        """See `Update`."""
        limit = self._max_change * half_range
        drift = tf.clip_by_value(0.5 * step_size * gradient, -limit, limit)
        return tf.sqrt(step_size * self._temperature) * noise - drift


@gin.configurable
class NormalizedUpdate:
    """−λ ∇E / rms(∇E), without noise: steps of a given length, however steep the energy is.

    The energies that are learned differ in steepness by orders of magnitude, over training and
    between observations; the length of a step in action units is what can be chosen beforehand.
    """

    def __init__(self):
        """Creates the update, which has no settings."""

    def __call__(self, gradient, noise, step_size, half_range):
        """See `Update`."""
        del noise
        # A direction in which nothing can move takes no part of a step's length.
        gradient = tf.where(half_range > 0, gradient, 0.0)
        mean_square = tf.reduce_mean(tf.square(gradient), axis=-1, keepdims=True)
        return -step_size * gradient * tf.math.rsqrt(mean_square + 1e-12)


@gin.configurable
class Langevin:
    """A chain of noisy gradient steps for every sample.

    Published: 100 iterations, step size 0.1 → 1e−5 (`schedules.Polynomial`), `PublishedUpdate`. All
    the noise of a run is drawn at once: 4·K·B·N·A bytes.
    """

    def __init__(
        self,
        num_iterations: int = 100,
        schedule: schedules.Polynomial | schedules.Constant | None = None,
        update: Update | None = None,
    ):
        """Sets the chain.

        Args:
            num_iterations: K, at least 1.
            schedule: step sizes, by default `schedules.Polynomial()`.
            update: the rule of one step, by default `PublishedUpdate()`.

        Raises:
            ValueError: if `num_iterations` is less than 1.
        """
        if num_iterations < 1:
            raise ValueError(f"num_iterations must be at least 1, got {num_iterations}.")
        self._num_iterations = num_iterations
        self._schedule = schedule or schedules.Polynomial()
        self._update = update or PublishedUpdate()

    def __call__(
        self,
        energy_fn: protocols.EnergyFn,
        initial_actions: tf.Tensor,
        bounds: protocols.Bounds,
        seed: tf.Tensor,
        trace: bool = False,
    ) -> protocols.SamplerResult:
        """Runs the chains; see `ibc_agents.core.protocols.Sampler`."""
        batch_size, n, _ = tf.unstack(tf.shape(initial_actions))
        size = initial_actions.shape[-1]
        noise = stateless_random.normal(seed, batch_size, [n, self._num_iterations, size])
        if trace:
            actions, visited = self._chains(energy_fn, initial_actions, noise, bounds, trace)
            own = tf.broadcast_to(tf.range(n), [self._num_iterations, batch_size, n])
            return protocols.SamplerResult(actions, energy_fn(actions), visited, own)

        def chains(energy_fn, actions, noise):
            return self._chains(energy_fn, actions, noise, bounds)[0]

        if isinstance(energy_fn, protocols.DifferentiableEnergyFn):
            actions = energy_fn.move(chains, initial_actions, noise)
        else:
            actions = chains(energy_fn, initial_actions, noise)
        return protocols.SamplerResult(actions, energy_fn(actions))

    def _chains(self, energy_fn, initial_actions, noise, bounds, trace=False):
        """Returns where chains ``[B, N, A]`` end, and with `trace` what they visit."""
        step_sizes = self._schedule(self._num_iterations)
        half_range = 0.5 * (bounds.high - bounds.low)

        def step(k, actions, visited):
            change = self._update(
                _action_gradient(energy_fn, actions), noise[:, :, k], step_sizes[k], half_range
            )
            moved = tf.clip_by_value(actions + change, bounds.low, bounds.high)
            return k + 1, moved, visited.write(k + 1, moved) if trace else visited

        visited = tf.TensorArray(tf.float32, self._num_iterations + 1 if trace else 0)
        if trace:
            visited = visited.write(0, initial_actions)
        _, actions, visited = tf.while_loop(
            lambda k, *_: k < self._num_iterations, step, (0, initial_actions, visited)
        )
        return actions, visited.stack() if trace else None


def _action_gradient(energy_fn: protocols.EnergyFn, actions: tf.Tensor) -> tf.Tensor:
    if isinstance(energy_fn, protocols.DifferentiableEnergyFn):
        return energy_fn.gradient(actions)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(actions)
        energies = energy_fn(actions)
    return tape.gradient(energies, actions)


def _check_update(noise: float, max_change: float) -> None:
    if noise < 0 or max_change <= 0:
        raise ValueError(
            "The noise must not be negative and max_change must be positive, "
            f"got {noise} and {max_change}."
        )
