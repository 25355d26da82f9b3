"""The words the parts of this library meet in: shape legend, protocols, result tuples.

Shape legend: **B** batch, **T** window (frames of observation), **N** samples per
observation, **A** action dimension, **C** code dimension, **K** iterations.

Convention, said once: low energy is good, p(a|o) ∝ exp(−E(o, a)). Samplers, proposals,
losses and energies see *scaled* actions, [−1, 1] over the range of the data, and normalised
observations; only `ibc_agents.core.normalizer` knows the units of the environment.

A seed is an int32 tensor, either ``[2]`` (one stream for the whole batch) or ``[B, 2]`` (a
stream for each row); see `ibc_agents.core.stateless_random`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import tensorflow as tf

EnergyFn = Callable[[tf.Tensor], tf.Tensor]
"""Energy at fixed observations: scaled actions ``[B, N, A]`` → energies ``[B, N]``."""


@runtime_checkable
class DifferentiableEnergyFn(Protocol):
    """An `EnergyFn` that knows a shorter way to its gradient than backpropagation."""

    def __call__(self, actions: tf.Tensor) -> tf.Tensor:
        """See `EnergyFn`."""

    def gradient(self, actions: tf.Tensor) -> tf.Tensor:
        """Returns ∂E/∂a at `actions`, ``[B, N, A]`` both."""

    def move(self, function: Move, actions: tf.Tensor, *others: tf.Tensor) -> tf.Tensor:
        """Returns ``function(energy_fn, actions, *others)``, or parts of it, if that is faster.

        Args:
            function: moves each sample by itself, by the energy function it is given.
            actions: ``[B, N, A]``.
            others: what else there is of each sample, ``[B, N, …]``.
        """


Move = Callable[..., tf.Tensor]
"""A `DifferentiableEnergyFn`, actions ``[b, n, A]`` and more ``[b, n, …]`` → actions."""


class BasinEnergyFn(Protocol):
    """An `EnergyFn` that is the minimum of several, and can be searched basin by basin.

    Attributes:
        basins: an `EnergyFn` in which action n of the N is seen by basin n mod K alone, K being
            their number; None where there are none.
    """

    basins: EnergyFn | None

    def __call__(self, actions: tf.Tensor) -> tf.Tensor:
        """See `EnergyFn`."""


class Bounds(NamedTuple):
    """Where actions may be searched, in scaled units.

    Attributes:
        low: float32 ``[A]``.
        high: float32 ``[A]``, at least `low`.
    """

    low: tf.Tensor
    high: tf.Tensor

    def of_dimension(self, j: int) -> Bounds:
        """Returns the bounds of action dimension j alone, ``[1]`` each."""
        return Bounds(self.low[j : j + 1], self.high[j : j + 1])


class SamplerResult(NamedTuple):
    """What a sampler found.

    Attributes:
        actions: float32 ``[B, N, A]``, scaled, inside the bounds.
        energies: float32 ``[B, N]``, the energies of `actions`.
        trace: float32 ``[K, B, N, A]``, the initial actions and what they became each time they
            were changed, or None unless a trace was asked for.
        parents: int32 ``[K − 1, B, N]``, for each action of the trace but the first ones the number
            n of the one before it that it was made from; None where that is not known.
    """

    actions: tf.Tensor
    energies: tf.Tensor
    trace: tf.Tensor | None = None
    parents: tf.Tensor | None = None


class Sampler(Protocol):
    """Moves actions towards low energy."""

    def __call__(
        self,
        energy_fn: EnergyFn,
        initial_actions: tf.Tensor,
        bounds: Bounds,
        seed: tf.Tensor,
        trace: bool = False,
    ) -> SamplerResult:
        """Returns samples of low energy, starting from `initial_actions` ``[B, N, A]``."""


class Proposal(Protocol):
    """Where counter-examples and a sampler's first actions come from."""

    def sample(self, code: tf.Tensor, n: int, bounds: Bounds, seed: tf.Tensor) -> tf.Tensor:
        """Returns `n` counter-examples for each row of `code` ``[B, C]``: float32 ``[B, n, A]``."""

    def log_prob(
        self, code: tf.Tensor, actions: tf.Tensor, bounds: Bounds, seed: tf.Tensor
    ) -> tf.Tensor:
        """Returns the log density of `sample` at `actions` ``[B, N, A]``: float32 ``[B, N]``.

        With the seed that `sample` got: a proposal may draw its own form from it.
        """

    def first_actions(self, code: tf.Tensor, n: int, bounds: Bounds, seed: tf.Tensor) -> tf.Tensor:
        """Returns `n` actions inside the bounds where a search begins: float32 ``[B, n, A]``."""


@runtime_checkable
class LearnedProposal(Proposal, Protocol):
    """A proposal that learns beside the energy."""

    trainable_variables: Sequence[tf.Variable]

    def build(self, code: tf.Tensor, action_size: int) -> None:
        """Creates the variables, for codes like `code` ``[B, C]`` and A dimensions."""

    def loss(self, code: tf.Tensor, action: tf.Tensor, training: bool) -> tf.Tensor:
        """Returns what to add to the loss of each example ``[B]``, of actions ``[B, A]``."""


class Loss(Protocol):
    """Scores how well energies tell a demonstration from its counter-examples."""

    def __call__(
        self,
        demonstration_energy: tf.Tensor,
        counter_example_energies: tf.Tensor,
        demonstration_log_prob: tf.Tensor | None = None,
        counter_example_log_probs: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Returns the loss ``[B]`` from energies ``[B]`` and ``[B, N]``.

        The log densities ``[B]`` and ``[B, N]`` are the proposal's, or None where the
        counter-examples have no known density (the ends of Langevin chains).
        """
