"""An energy at fixed observations, as samplers see it: all actions at once, or in parts."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import tensorflow as tf

from ibc_agents.acceleration import machine
from ibc_agents.core import protocols

if TYPE_CHECKING:
    from ibc_agents.networks.energy import energy_network


class EnergyAt:
    """The energy of a network at observations; see `core.protocols.DifferentiableEnergyFn`.

    Attributes:
        basins: see `ibc_agents.core.protocols.BasinEnergyFn`; None where the energy has none.
    """

    def __init__(self, network: energy_network.EnergyNetwork, code: tf.Tensor):
        """Holds a network and the code of observations ``[B, C]``."""
        self._network = network
        self._code = code
        has_basins = network.num_basins is not None
        self.basins = functools.partial(network.basins, code) if has_basins else None

    def __call__(self, actions: tf.Tensor) -> tf.Tensor:
        """Maps actions ``[B, N, A]`` to energies ``[B, N]``."""
        return self._network.energy(self._code, actions)

    def gradient(self, actions: tf.Tensor) -> tf.Tensor:
        """Maps actions to the gradient there, ``[B, N, A]`` both."""
        return self._network.energy_and_gradient(self._code, actions)[1]

    def move(self, function: protocols.Move, actions: tf.Tensor, *others: tf.Tensor) -> tf.Tensor:
        """See `ibc_agents.core.protocols.DifferentiableEnergyFn`."""
        return function(self, actions, *others)


class SplitEnergyAt(EnergyAt):
    """The same in parts, where the network says of what size (`rows_at_once`, `rows_of_a_core`).

    Parts are of the observations where there are more of them than of samples, else of the samples.
    """

    def __call__(self, actions: tf.Tensor) -> tf.Tensor:
        """See the base class; in blocks, as many at once as there are cores."""
        return self._in_blocks(lambda energy_fn, block: energy_fn(block), [], actions)

    def gradient(self, actions: tf.Tensor) -> tf.Tensor:
        """See the base class; in blocks, as many at once as there are cores."""
        return self._in_blocks(
            lambda energy_fn, block: energy_fn.gradient(block), actions.shape[2:], actions
        )

    def move(self, function: protocols.Move, actions: tf.Tensor, *others: tf.Tensor) -> tf.Tensor:
        """See the base class; each core moves its share, block by block.

        Shares are not iterations of a loop: in a loop, whatever reads variables and is a loop
        itself has to end before the next one begins.
        """
        axis, num_shares = _longer_axis(actions), self._num_shares(actions)
        if num_shares == 1:
            return self._in_blocks(function, actions.shape[2:], actions, *others)
        moved = []
        size = -(-actions.shape[axis] // num_shares)
        for first in range(0, actions.shape[axis], size):
            part = slice(first, first + size)
            code, share = _cut(self._code, (actions, *others), axis, part)
            own = SplitEnergyAt(self._network, code)
            moved.append(own._in_blocks(function, actions.shape[2:], *share))
        return tf.concat(moved, axis)

    def _in_blocks(
        self, function: protocols.Move, trailing: Sequence[int | None], *rows: tf.Tensor
    ) -> tf.Tensor:
        """Returns ``function(energy_fn, *rows)``, of shape ``[B, N, *trailing]``."""
        axis, size = _longer_axis(rows[0]), self._block_size(rows[0])
        if size is None:
            return function(EnergyAt(self._network, self._code), *rows)
        num_blocks = -(-tf.shape(rows[0])[axis] // size)

        def one_block(k, collected):
            part = slice(k * size, (k + 1) * size)
            code, block = _cut(self._code, rows, axis, part)
            values = function(EnergyAt(self._network, code), *block)
            return k + 1, collected.write(k, _swapped(values, axis))

        # Swapped, for arrays of tensors are joined along their first dimension.
        collected = tf.TensorArray(
            tf.float32,
            num_blocks,
            infer_shape=False,
            element_shape=[None, rows[0].shape[1 - axis], *trailing],
        )
        _, collected = tf.while_loop(
            lambda k, _: k < num_blocks,
            one_block,
            (0, collected),
            parallel_iterations=machine.num_cores(),
        )
        return tf.ensure_shape(_swapped(collected.concat(), axis), [*rows[0].shape[:2], *trailing])

    def _block_size(self, actions: tf.Tensor) -> int | tf.Tensor | None:
        """Returns how much of the longer axis a block has; None where all is one block.

        Where the shape is known, all blocks are about alike.
        """
        rows = self._network.rows_at_once
        if rows is None:
            return None
        if not actions.shape[:2].is_fully_defined():
            return tf.maximum(1, rows // tf.maximum(1, tf.shape(actions)[0]))
        length, num_rows = max(actions.shape[:2]), actions.shape[:2].num_elements()
        num_blocks = min(length, -(-num_rows // rows))
        return -(-length // num_blocks) if num_blocks > 1 else None

    def _num_shares(self, actions: tf.Tensor) -> int:
        """Returns among how many cores it is worth while to share; an unknown number is one."""
        rows = self._network.rows_of_a_core
        batch_size, n = actions.shape[:2]
        if rows is None or n is None:
            return 1
        known = batch_size or 1
        return max(1, min(machine.num_cores(), max(known, n), known * n // rows))


def _longer_axis(actions: tf.Tensor) -> int:
    """Returns 0 where there are more observations than samples, else 1, as where it is unknown."""
    batch_size, n = actions.shape[:2]
    return 0 if batch_size is not None and n is not None and batch_size > n else 1


def _cut(
    code: tf.Tensor, rows: Sequence[tf.Tensor], axis: int, part: slice
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """Returns a part of codes ``[B, C]`` and of rows ``[B, N, …]``."""
    if axis == 0:
        return code[part], [tensor[part] for tensor in rows]
    return code, [tensor[:, part] for tensor in rows]


def _swapped(values: tf.Tensor, axis: int) -> tf.Tensor:
    """Exchanges dimensions 0 and `axis`."""
    return tf.einsum("bn...->nb...", values) if axis else values
