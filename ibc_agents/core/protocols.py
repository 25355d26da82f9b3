"""The interfaces between samplers, proposals, losses, networks and agents.

Shape legend: **B** batch, **T** window (frames of observation), **N** samples per observation,
**A** action dimension, **C** code dimension, **K** iterations.

Low energy is good: p(a|o) ∝ exp(−E(o, a)). Samplers, proposals, losses and energies take *scaled*
actions ([−1, 1] over the range of the data) and normalized observations. Only
`ibc_agents.core.normalizer` knows the units of the environment.

A seed is an int32 tensor, either ``[2]`` (one stream for the whole batch) or ``[B, 2]`` (one
stream for each row); see `ibc_agents.core.stateless_random`.
"""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import NamedTuple, Protocol

import tensorflow as tf


class EnergyFunction:
    """The energy of actions at fixed observations, and its gradient.

    Attributes:
        basins: If the energy is the minimum of K basins, the `EnergyFunction` that scores action n
            of the N by basin n mod K alone; None otherwise.

    Examples:
        >>> energy_fn = EnergyFunction(lambda actions: tf.reduce_sum(actions**2, axis=-1))
        >>> energy_fn(tf.ones([1, 1, 2])).numpy()
        array([[2.]], dtype=float32)
        >>> energy_fn.gradient(tf.ones([1, 1, 2])).numpy()
        array([[[2., 2.]]], dtype=float32)
    """

    def __init__(
        self,
        energy: Callable[[tf.Tensor], tf.Tensor],
        basins: EnergyFunction | None = None,
    ):
        """Creates the energy function.

        Args:
            energy: Maps scaled actions ``[B, N, A]`` to energies ``[B, N]``.
            basins: See the attribute.
        """
        self._energy = energy
        self.basins = basins

    def __call__(self, actions: tf.Tensor) -> tf.Tensor:
        """Returns the energies, float32 ``[B, N]``, of `actions` ``[B, N, A]``."""
        return self._energy(actions)

    def gradient(self, actions: tf.Tensor) -> tf.Tensor:
        """Returns ∂E/∂a at `actions`, both ``[B, N, A]``, by backpropagation."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(actions)
            energies = self(actions)
        return tape.gradient(energies, actions)


class Bounds(NamedTuple):
    """The box in which actions are searched, in scaled units.

    Attributes:
        low: Float32 ``[A]``.
        high: Float32 ``[A]``, at least `low`.
    """

    low: tf.Tensor
    high: tf.Tensor

    def of_dimension(self, j: int) -> Bounds:
        """Returns the bounds of action dimension j alone, ``[1]`` each."""
        return Bounds(self.low[j : j + 1], self.high[j : j + 1])


class SamplerResult(NamedTuple):
    """The samples that a sampler found.

    Attributes:
        actions: Float32 ``[B, N, A]``, scaled, inside the bounds.
        energies: Float32 ``[B, N]``, the energies of `actions`.
        trace: Float32 ``[K, B, N, A]``, the initial actions and the actions after each change; None
            unless a trace was requested.
        parents: Int32 ``[K − 1, B, N]``. For each action of the trace after the first, the index n
            of the preceding action that it was made from; None if unknown.
    """

    actions: tf.Tensor
    energies: tf.Tensor
    trace: tf.Tensor | None = None
    parents: tf.Tensor | None = None


class Sampler(abc.ABC):
    """Moves actions toward low energy.

    Attributes:
        searches_basins: Whether the sampler needs an energy function with `basins`.
        searches_prefixes: Whether the sampler needs an energy function of prefixes ``[B, N, j]``,
            j = 1 … A, as `networks.PrefixEnergyNetwork` gives.
    """

    searches_basins: bool = False
    searches_prefixes: bool = False

    @abc.abstractmethod
    def __call__(
        self,
        energy_fn: EnergyFunction,
        initial_actions: tf.Tensor,
        bounds: Bounds,
        seed: tf.Tensor,
        trace: bool = False,
    ) -> SamplerResult:
        """Returns N samples of low energy for each observation.

        Args:
            energy_fn: The energy at B observations.
            initial_actions: Scaled actions ``[B, N, A]`` at which the search begins.
            bounds: The box of all samples.
            seed: Int32 ``[2]`` or ``[B, 2]``.
            trace: Whether the result holds the trace of the search.
        """


class Proposal(abc.ABC):
    """Draws counter-examples, and the actions where a policy's search begins."""

    @abc.abstractmethod
    def sample(self, code: tf.Tensor, n: int, bounds: Bounds, seed: tf.Tensor) -> tf.Tensor:
        """Returns `n` counter-examples for each row of `code` ``[B, C]``: float32 ``[B, n, A]``."""

    @abc.abstractmethod
    def log_prob(
        self, code: tf.Tensor, actions: tf.Tensor, bounds: Bounds, seed: tf.Tensor
    ) -> tf.Tensor:
        """Returns the log density of `sample` at `actions` ``[B, N, A]``: float32 ``[B, N]``.

        The seed must be the one that `sample` got, since a proposal may draw its own parameters
        from it.
        """

    @abc.abstractmethod
    def first_actions(self, code: tf.Tensor, n: int, bounds: Bounds, seed: tf.Tensor) -> tf.Tensor:
        """Returns `n` actions inside the bounds where a search begins: float32 ``[B, n, A]``."""


class LearnedProposal(Proposal, tf.Module):
    """A proposal with its own variables and loss, trained together with the energy.

    It is a `tf.Module`, so that checkpoints and exported policies contain its variables. The
    constructor of a subclass must call that of its base class.
    """

    @abc.abstractmethod
    def build(self, code: tf.Tensor, action_size: int) -> None:
        """Creates the variables, for codes of the shape of `code` ``[B, C]`` and A dimensions."""

    @abc.abstractmethod
    def loss(self, code: tf.Tensor, action: tf.Tensor, training: bool) -> tf.Tensor:
        """Returns what is added to the loss of each example, ``[B]``, for actions ``[B, A]``."""


class Loss(Protocol):
    """Compares the energy of a demonstration with those of its counter-examples."""

    def __call__(
        self,
        demonstration_energy: tf.Tensor,
        counter_example_energies: tf.Tensor,
        demonstration_log_prob: tf.Tensor | None = None,
        counter_example_log_probs: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Returns the loss ``[B]`` of energies ``[B]`` and ``[B, N]``.

        The log densities ``[B]`` and ``[B, N]`` are the proposal's. They are None where the density
        of the counter-examples is unknown, as at the ends of Langevin chains.
        """
