"""The energy over one or two action dimensions at one observation, and how a policy searches it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import tensorflow as tf
from tf_agents.utils import common, nest_utils

from ibc_agents.core import normalizer as normalizer_lib
from ibc_agents.core import protocols

_CHUNK = 4096  # actions scored at once


@runtime_checkable
class EnergyAgent(Protocol):
    """An agent that acts by minimising an energy, as `ImplicitBCAgent` does; others have none."""

    @property
    def normalizer(self) -> normalizer_lib.Normalizer:
        """Between scaled and raw actions."""

    @property
    def policy(self) -> Any:
        """Its `optimize(window, seed, trace)` is how it searches; see `ImplicitPolicy`."""

    def energy_function(self, window: Any) -> protocols.EnergyFn:
        """Returns the energy of scaled actions at raw observations ``[B, T, …]``."""


class Moment(NamedTuple):
    """An observation at which a policy acts.

    Attributes:
        window: raw observations, a nest of ``[1, T, …]``.
        seed: of what the policy draws, int32 ``[1, 2]``.
        demonstrated: the nest of raw actions that a demonstrator took here, or None.
        picture: of the environment, uint8 ``[H, W, 3]``, or None.
    """

    window: Any
    seed: tf.Tensor
    demonstrated: Any = None
    picture: np.ndarray | None = None


@dataclasses.dataclass(frozen=True)
class Landscape:
    """Energies on a line or a plane of actions, and the search of a policy.

    All actions are flat and in the environment's units: the nest's leaves in order, A numbers.

    Attributes:
        dimensions: the one or two action dimensions that vary.
        names: of all A dimensions, as `action[0]`.
        axes: grid values along each, ``[R]``.
        energies: ``[R]`` or ``[R, R]``, the first axis first.
        held: ``[A]``, values of the dimensions that do not vary.
        demonstrated: ``[A]``, or None.
        chosen: ``[A]``, what the policy does.
        samples: ``[N, A]``, where its search ended.
        trace: ``[K, N, A]``, where its search has been; the last are `samples`.
        parents: int ``[K − 1, N]`` or None; see `types.SamplerResult`.
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
        """Where on the grid the energy is lowest, ``[len(dimensions)]``."""
        energies = np.where(np.isfinite(self.energies), self.energies, np.inf)
        index = np.unravel_index(np.argmin(energies), energies.shape)
        return np.array([axis[i] for axis, i in zip(self.axes, index, strict=True)])

    @property
    def heights(self) -> np.ndarray:
        """E − min E, of the shape of `energies`; NaN where the energy is not finite."""
        finite = np.isfinite(self.energies)
        lowest = self.energies.min(initial=np.inf, where=finite)
        return np.where(finite, self.energies, np.nan) - lowest

    @property
    def highest(self) -> float:
        """The greatest of the `heights`, 0 if none is finite."""
        return float(np.nanmax(self.heights, initial=0.0))

    def lineages(self, number: int) -> np.ndarray | None:
        """Follows the first `number` final samples back to the initial ones they stem from.

        Returns:
            ``[K, number, A]``, None where the sampler does not tell parents.
        """
        if self.parents is None:
            return None
        at = np.arange(min(number, self.trace.shape[1]))
        followed = [self.trace[-1][at]]
        for actions, parents in zip(self.trace[-2::-1], self.parents[::-1], strict=True):
            at = parents[at]
            followed.append(actions[at])
        return np.stack(followed[::-1])


class Landscapes:
    """Computes the landscapes of one agent; compiled once for all observations and weights."""

    def __init__(
        self, agent: EnergyAgent, dimensions: Sequence[int] | None = None, resolution: int = 101
    ):
        """Chooses the view.

        Args:
            agent: whose energy and policy are asked.
            dimensions: the one or two action dimensions that vary, by default the first ones that
                do in the data.
            resolution: R, grid points along each, at least 2.

        Raises:
            ValueError: if the actions do not have these dimensions, or they never vary, or the
                resolution is too low.
        """
        self._agent = agent
        size = agent.normalizer.action_space.size
        varying = _varying(agent.normalizer.bounds)
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
        self._names = tuple(_names(agent.normalizer.action_space.spec))
        self._energies = common.function(self._score)
        self._optimize = common.function(
            lambda window, seed: agent.policy.optimize(window, seed, trace=True)
        )

    def at(self, moment: Moment, hold_chosen: bool = False) -> Landscape:
        """Computes the landscape at one observation.

        Args:
            moment: the observation, and what the policy draws there.
            hold_chosen: the dimensions that do not vary are held at the policy's action; otherwise
                at the demonstrated one, if there is one.
        """
        found = self._optimize(moment.window, moment.seed)
        chosen = found.actions[0, tf.argmin(found.energies[0])]
        demonstrated = None
        held = chosen
        if moment.demonstrated is not None:
            demonstrated = self._agent.normalizer.scale_action(moment.demonstrated)
            held = chosen if hold_chosen else demonstrated
        axes, actions = self._grid(held.numpy())
        energies = self._energies(moment.window, actions).numpy()
        raw_axes = []
        for dimension, axis in zip(self.dimensions, axes, strict=True):
            along = np.tile(held, [len(axis), 1])
            along[:, dimension] = axis
            raw_axes.append(self._raw(along)[:, dimension])
        return Landscape(
            self.dimensions,
            self._names,
            tuple(raw_axes),
            energies.reshape([len(axis) for axis in axes]),
            self._raw(held),
            None if demonstrated is None else self._raw(demonstrated),
            self._raw(chosen),
            self._raw(found.actions[0]),
            self._raw(found.trace[:, 0]),
            None if found.parents is None else found.parents[:, 0].numpy(),
        )

    def _grid(self, held: np.ndarray) -> tuple[list[np.ndarray], tf.Tensor]:
        """Returns scaled axes, each ``[R]``, and the actions of the grid, ``[R or R², A]``."""
        low, high = (bound.numpy() for bound in self._agent.normalizer.bounds)
        axes = [np.linspace(low[d], high[d], self._resolution) for d in self.dimensions]
        grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))
        actions = np.tile(np.asarray(held, np.float32), [len(grid), 1])
        actions[:, list(self.dimensions)] = grid
        return axes, tf.constant(actions)

    def _score(self, window: Any, actions: tf.Tensor) -> tf.Tensor:
        """Returns energies ``[M]`` of scaled actions ``[M, A]``."""
        energy = self._agent.energy_function(window)
        chunks = [
            energy(actions[None, start : start + _CHUNK])[0]
            for start in range(0, actions.shape[0], _CHUNK)
        ]
        return tf.concat(chunks, axis=0)

    def _raw(self, scaled: Any) -> np.ndarray:
        """Gives scaled actions ``[…, A]`` in the environment's units, flat again."""
        normalizer = self._agent.normalizer
        raw = normalizer.unscale_action(tf.convert_to_tensor(scaled))
        return normalizer.action_space.flatten(raw).numpy()


def _varying(bounds: protocols.Bounds) -> list[int]:
    """Returns the dimensions whose bounds have a width."""
    return [int(d) for d in np.flatnonzero(bounds.high.numpy() > bounds.low.numpy())]


def _names(spec: Any) -> list[str]:
    """Returns a name for each number of a nest of actions, in order."""
    names = []
    for path, leaf in nest_utils.flatten_with_joined_paths(spec):
        for index in np.ndindex(*leaf.shape):
            place = f"[{', '.join(map(str, index))}]" if index else ""
            names.append(f"{path or 'action'}{place}")
    return names
