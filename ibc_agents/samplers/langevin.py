"""Langevin dynamics on the energy."""

from __future__ import annotations

import gin
import tensorflow as tf

from ibc_agents.core import protocols, setting_checks, stateless_random
from ibc_agents.samplers import langevin_updates, schedules


@gin.configurable
class Langevin(protocols.Sampler):
    """Moves every sample along a chain of noisy gradient steps.

    One step is a ← clip(a + update(∂E/∂a, n, λ_k), bounds) with n ~ N(0, I). The published chain
    has 100 steps with step sizes 0.1 → 1e−5 (`schedules.Polynomial`) and the `PublishedUpdate`.
    The noise of all steps is drawn in advance and takes 4·K·B·N·A bytes.

    References:
        Florence et al., "Implicit Behavioral Cloning", 2021, Appendix B.
        https://arxiv.org/abs/2109.00137
        Welling and Teh, "Bayesian Learning via Stochastic Gradient Langevin Dynamics", 2011.
        https://dl.acm.org/doi/10.5555/3104482.3104568

    Examples:
        >>> from ibc_agents.core import protocols
        >>> energy_fn = protocols.EnergyFunction(lambda a: 50 * tf.reduce_sum((a - 0.5) ** 2, -1))
        >>> bounds = protocols.Bounds(-tf.ones([1]), tf.ones([1]))
        >>> result = Langevin()(energy_fn, tf.zeros([1, 1, 1]), bounds, tf.constant([1, 2]))
        >>> result.actions.numpy().round(1)
        array([[[0.5]]], dtype=float32)
    """

    def __init__(
        self,
        num_iterations: int = 100,
        schedule: schedules.Schedule | None = None,
        update: langevin_updates.Update | None = None,
    ):
        """Sets the chain.

        Args:
            num_iterations: K, at least 1.
            schedule: Step sizes λ_k, by default `schedules.Polynomial()`.
            update: The rule of one step, by default `PublishedUpdate()`.

        Raises:
            SettingError: If a setting is out of range or cannot be called.
        """
        self._num_iterations = setting_checks.check_integer(
            "Langevin.num_iterations", num_iterations, minimum=1
        )
        self._schedule = schedules.Polynomial() if schedule is None else schedule
        setting_checks.check_call("Langevin.schedule", self._schedule, schedules.Schedule.__call__)
        self._update = langevin_updates.PublishedUpdate() if update is None else update
        setting_checks.check_call("Langevin.update", self._update, langevin_updates.Update.__call__)

    def __call__(
        self,
        energy_fn: protocols.EnergyFunction,
        initial_actions: tf.Tensor,
        bounds: protocols.Bounds,
        seed: tf.Tensor,
        trace: bool = False,
    ) -> protocols.SamplerResult:
        """Runs the chains; see `ibc_agents.core.protocols.Sampler`."""
        noise = self.draw_noise(initial_actions, seed)
        if not trace:
            actions = self.run_chains(energy_fn, initial_actions, noise, bounds)
            return protocols.SamplerResult(actions, energy_fn(actions))
        visited = self._trace_chains(energy_fn, initial_actions, noise, bounds)
        batch_size, n, _ = tf.unstack(tf.shape(initial_actions))
        same = tf.broadcast_to(tf.range(n), [self._num_iterations, batch_size, n])
        return protocols.SamplerResult(visited[-1], energy_fn(visited[-1]), visited, same)

    def draw_noise(self, initial_actions: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Draws the noise of chains from ``[B, N, A]``: float32 ``[B, N, K, A]``."""
        batch_size, n, _ = tf.unstack(tf.shape(initial_actions))
        size = initial_actions.shape[-1]
        return stateless_random.normal(seed, batch_size, [n, self._num_iterations, size])

    def run_chains(
        self,
        energy_fn: protocols.EnergyFunction,
        initial_actions: tf.Tensor,
        noise: tf.Tensor,
        bounds: protocols.Bounds,
    ) -> tf.Tensor:
        """Returns the ends of the chains, ``[B, N, A]``; every chain is independent of the others.

        Args:
            energy_fn: The energy at B observations.
            initial_actions: ``[B, N, A]``.
            noise: What `draw_noise` returned, ``[B, N, K, A]``.
            bounds: The box of the chains.
        """
        step_sizes = self._schedule(self._num_iterations)

        def step(k, actions):
            return k + 1, self._step(energy_fn, actions, noise[:, :, k], step_sizes[k], bounds)

        return tf.while_loop(lambda k, _: k < self._num_iterations, step, (0, initial_actions))[1]

    def _trace_chains(self, energy_fn, initial_actions, noise, bounds):
        """Returns all actions of the chains, ``[K + 1, B, N, A]``."""
        step_sizes = self._schedule(self._num_iterations)

        def step(k, actions, visited):
            moved = self._step(energy_fn, actions, noise[:, :, k], step_sizes[k], bounds)
            return k + 1, moved, visited.write(k + 1, moved)

        visited = tf.TensorArray(tf.float32, self._num_iterations + 1).write(0, initial_actions)
        _, _, visited = tf.while_loop(
            lambda k, *_: k < self._num_iterations, step, (0, initial_actions, visited)
        )
        return visited.stack()

    def _step(self, energy_fn, actions, noise, step_size, bounds):
        """Returns the actions after one Langevin step, ``[B, N, A]``."""
        half_range = 0.5 * (bounds.high - bounds.low)
        change = self._update(energy_fn.gradient(actions), noise, step_size, half_range)
        return tf.clip_by_value(actions + change, bounds.low, bounds.high)
