"""The energy over one or two action dimensions at one observation, and the search of a policy."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tf_agents.utils import common, nest_utils

from ibc_agents.agents import energy_based_agent
from ibc_agents.core import protocols
from ibc_agents.visualization import landscape_moments

# Number of actions whose energies are computed at once, which bounds the memory.
_CHUNK = 4096


@dataclasses.dataclass(frozen=True)
class Landscape:
    """Energies on a line or a plane of actions, and the search of a policy.

    Actions are flat and in the environment's units: the A numbers of the nest's leaves in order.

    Attributes:
        dimensions: The one or two action dimensions that vary.
        names: Names of all A dimensions, such as `action[0]`.
        axes: Grid values along each varying dimension, [R].
        energies: Energies on the grid, [R] or [R, R] with the first dimension first.
        held: The action that gives the values of the other dimensions, [A].
        demonstrated: The demonstrated action, [A]; None if there is none.
        chosen: The action of the policy, [A].
        samples: The final samples of the policy's search, [N, A].
        trace: The samples after each of the K − 1 iterations of the search, [K, N, A], with the
            initial samples first and `samples` last.
        parents: The sample of the iteration before from which each sample was made, int [K − 1, N];
            None if the sampler does not record them.
    """

    dimensions: tuple[int, ...]
    names: tuple[str, ...]
    axes: tuple[np.ndarray, ...]
    energies: np.ndarray
    held: np.ndarray
    demonstrated: np.ndarray | None
    chosen: np.ndarray
    samples: np.ndarray
    trace: np.ndarray
    parents: np.ndarray | None

    @property
    def lowest(self) -> np.ndarray:
        """The grid point of the lowest energy, [1] or [2]."""
        energies = np.where(np.isfinite(self.energies), self.energies, np.inf)
        index = np.unravel_index(np.argmin(energies), energies.shape)
        return np.array([axis[i] for axis, i in zip(self.axes, index, strict=True)])

    @property
    def heights(self) -> np.ndarray:
        """E − min E, with the shape of `energies`; NaN where the energy is not finite."""
        finite = np.isfinite(self.energies)
        lowest = self.energies.min(initial=np.inf, where=finite)
        return np.where(finite, self.energies, np.nan) - lowest

    @property
    def highest(self) -> float:
        """The largest of the `heights`; 0 if none is finite."""
        return float(np.nanmax(self.heights, initial=0.0))

    def lineages(self, number: int) -> np.ndarray | None:
        """Traces the first `number` final samples back to their initial samples.

        Returns:
            The ancestors of each sample and the sample itself, [K, number, A]; None if the sampler
            does not record parents.
        """
        if self.parents is None:
            return None
        indices = np.arange(min(number, self.trace.shape[1]))
        ancestors = [self.trace[-1][indices]]
        for actions, parents in zip(self.trace[-2::-1], self.parents[::-1], strict=True):
            indices = parents[indices]
            ancestors.append(actions[indices])
        return np.stack(ancestors[::-1])


class Landscapes:
    """Computes the landscapes of one agent. It is traced once for all observations and weights.

    Args:
        agent: The agent with the energy and the policy.
        dimensions: The one or two action dimensions that vary. Default: the first one or two that
            vary in the demonstrations.
        resolution: Number of grid points R along each dimension, at least 2.

    Raises:
        ValueError: If the actions do not have these dimensions, if one of them is constant in the
            demonstrations, or if the resolution is too low.
    """

    def __init__(
        self,
        agent: energy_based_agent.EnergyBasedAgent,
        dimensions: Sequence[int] | None = None,
        resolution: int = 101,
    ) -> None:
        self._agent = agent
        size = agent.normalizer.action_space.size
        varying = _varying_dimensions(agent.normalizer.bounds)
        self.dimensions = tuple((varying[:2] or [0]) if dimensions is None else dimensions)
        if len(set(self.dimensions)) != len(self.dimensions) or len(self.dimensions) not in (1, 2):
            raise ValueError(f"There must be one or two different dimensions, got {dimensions}.")
        if not all(0 <= dimension < size for dimension in self.dimensions):
            raise ValueError(
                f"The dimensions of actions are 0 to {size - 1}, got {list(self.dimensions)}."
            )
        constant = [dimension for dimension in self.dimensions if dimension not in varying]
        if dimensions is not None and constant:
            raise ValueError(
                f"There is nothing to draw: dimension {constant[0]} is the same in all "
                "demonstrations."
            )
        if resolution < 2:
            raise ValueError(f"resolution must be at least 2, got {resolution}.")
        self._resolution = resolution
        self._names = tuple(_dimension_names(agent.normalizer.action_space.spec))
        self._energies = common.function(self._compute_energies)
        self._optimize = common.function(
            lambda window, seed: agent.policy.optimize(window, seed, trace=True)
        )

    def at(self, moment: landscape_moments.Moment, hold_chosen: bool = False) -> Landscape:
        """Computes the landscape at one observation.

        Args:
            moment: The observation and the seed of the policy.
            hold_chosen: Whether the other dimensions are held at the policy's action. Otherwise
                they are held at the demonstrated action if there is one.
        """
        found = self._optimize(moment.window, moment.seed)
        chosen = found.actions[0, tf.argmin(found.energies[0])]
        demonstrated = None
        held = chosen
        if moment.demonstrated is not None:
            demonstrated = self._agent.normalizer.scale_action(moment.demonstrated)
            held = chosen if hold_chosen else demonstrated
        axes, actions = self._make_grid(held.numpy())
        energies = self._energies(moment.window, actions).numpy()
        raw_axes = []
        for dimension, axis in zip(self.dimensions, axes, strict=True):
            along = np.tile(held, [len(axis), 1])
            along[:, dimension] = axis
            raw_axes.append(self._to_raw(along)[:, dimension])
        return Landscape(
            self.dimensions,
            self._names,
            tuple(raw_axes),
            energies.reshape([len(axis) for axis in axes]),
            self._to_raw(held),
            None if demonstrated is None else self._to_raw(demonstrated),
            self._to_raw(chosen),
            self._to_raw(found.actions[0]),
            self._to_raw(found.trace[:, 0]),
            None if found.parents is None else found.parents[:, 0].numpy(),
        )

    def _make_grid(self, held: np.ndarray) -> tuple[list[np.ndarray], tf.Tensor]:
        """Returns the scaled axes, each [R], and the actions of the grid, [R or R², A]."""
        low, high = (bound.numpy() for bound in self._agent.normalizer.bounds)
        axes = [np.linspace(low[d], high[d], self._resolution) for d in self.dimensions]
        grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))
        actions = np.tile(np.asarray(held, np.float32), [len(grid), 1])
        actions[:, list(self.dimensions)] = grid
        return axes, tf.constant(actions)

    def _compute_energies(self, window: Any, actions: tf.Tensor) -> tf.Tensor:
        """Returns the energies [M] of scaled actions [M, A]."""
        energy = self._agent.energy_function(window)
        chunks = [
            energy(actions[None, start : start + _CHUNK])[0]
            for start in range(0, actions.shape[0], _CHUNK)
        ]
        return tf.concat(chunks, axis=0)

    def _to_raw(self, scaled: Any) -> np.ndarray:
        """Converts scaled flat actions […, A] to flat actions in the environment's units."""
        normalizer = self._agent.normalizer
        raw = normalizer.unscale_action(tf.convert_to_tensor(scaled))
        return normalizer.action_space.flatten(raw).numpy()


def _varying_dimensions(bounds: protocols.Bounds) -> list[int]:
    """Returns the dimensions whose bounds differ."""
    return [int(d) for d in np.flatnonzero(bounds.high.numpy() > bounds.low.numpy())]


def _dimension_names(spec: Any) -> list[str]:
    """Returns the names of the numbers of a nest of actions, in order."""
    names = []
    for path, leaf in nest_utils.flatten_with_joined_paths(spec):
        for index in np.ndindex(*leaf.shape):
            place = f"[{', '.join(map(str, index))}]" if index else ""
            names.append(f"{path or 'action'}{place}")
    return names
