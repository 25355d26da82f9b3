"""An energy at fixed observations, computed in blocks and in shares of the cores."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

from ibc_agents.acceleration import blocks as blocks_lib
from ibc_agents.acceleration import machine
from ibc_agents.core import protocols
from ibc_agents.networks.energy import energy_network

Chains = Callable[..., tf.Tensor]
"""An `EnergyFunction`, actions ``[b, n, A]`` and more ``[b, n, …]`` → actions ``[b, n, A]``."""


class AcceleratedEnergyFunction(protocols.EnergyFunction):
    """The energy of a network at observations, some rows at a time.

    Rows are pairs of an observation and an action. They are split along the longer of the two axes
    B and N, so that few codes are copied. Only energies of plain dense layers
    (`EnergyNetwork.dense_energy`) are split.
    """

    def __init__(
        self,
        network: energy_network.EnergyNetwork,
        code: tf.Tensor,
        blocks: blocks_lib.Blocks,
        basins: protocols.EnergyFunction | None = None,
    ):
        """Creates the energy function.

        Args:
            network: Computes energies and their gradients.
            code: Code of the observations, ``[B, C]``.
            blocks: Sizes of blocks and shares.
            basins: See the base class.
        """
        super().__init__(self._energies, basins)
        self._network = network
        self._code = code
        self._blocks = blocks

    def gradient(self, actions: tf.Tensor) -> tf.Tensor:
        """See the base class; one block per core runs at a time."""
        return self._in_blocks(
            lambda energy_fn, block: energy_fn.gradient(block), actions.shape[2:], actions
        )

    def run_in_shares(self, chains: Chains, actions: tf.Tensor, *others: tf.Tensor) -> tf.Tensor:
        """Returns ``chains(energy_fn, actions, *others)``, each core running a share to the end.

        The shares are not iterations of a loop: TensorFlow runs the iterations of a loop one after
        another if they contain a loop themselves and read variables.

        Args:
            chains: Moves each action independently of the others.
            actions: ``[B, N, A]``.
            others: Further tensors ``[B, N, …]`` that are split like the actions.
        """
        axis, num_shares = _longer_axis(actions), self._num_shares(actions)
        if num_shares == 1:
            return self._in_blocks(chains, actions.shape[2:], actions, *others)
        ends = []
        size = -(-actions.shape[axis] // num_shares)
        for first in range(0, actions.shape[axis], size):
            part = slice(first, first + size)
            code, share = _cut(self._code, (actions, *others), axis, part)
            own = AcceleratedEnergyFunction(self._network, code, self._blocks)
            ends.append(own._in_blocks(chains, actions.shape[2:], *share))
        return tf.concat(ends, axis)

    def _energies(self, actions: tf.Tensor) -> tf.Tensor:
        """Returns the energies ``[B, N]``; one block per core runs at a time."""
        return self._in_blocks(lambda energy_fn, block: energy_fn(block), [], actions)

    def _in_blocks(
        self, function: Chains, trailing: Sequence[int | None], *rows: tf.Tensor
    ) -> tf.Tensor:
        """Returns ``function(energy_fn, *rows)``, of shape ``[B, N, *trailing]``."""
        axis, size = _longer_axis(rows[0]), self._block_size(rows[0])
        if size is None:
            return function(_Whole(self._network, self._code), *rows)
        num_blocks = -(-tf.shape(rows[0])[axis] // size)

        def one_block(k, collected):
            part = slice(k * size, (k + 1) * size)
            code, block = _cut(self._code, rows, axis, part)
            values = function(_Whole(self._network, code), *block)
            return k + 1, collected.write(k, _swap(values, axis))

        # Swapped, since TensorArray.concat joins along the first dimension.
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
        return tf.ensure_shape(_swap(collected.concat(), axis), [*rows[0].shape[:2], *trailing])

    def _block_size(self, actions: tf.Tensor) -> int | tf.Tensor | None:
        """Returns the size of a block along the longer axis; None if there is one block only.

        If the shape is known, all blocks have about the same size.
        """
        width = self._width(actions)
        rows = None if width is None else self._blocks.rows(width)
        if rows is None:
            return None
        if not actions.shape[:2].is_fully_defined():
            return tf.maximum(1, rows // tf.maximum(1, tf.shape(actions)[0]))
        length, num_rows = max(actions.shape[:2]), actions.shape[:2].num_elements()
        num_blocks = min(length, -(-num_rows // rows))
        return -(-length // num_blocks) if num_blocks > 1 else None

    def _num_shares(self, actions: tf.Tensor) -> int:
        """Returns how many cores share the chains; an unknown batch size counts as 1."""
        width = self._width(actions)
        rows = None if width is None else self._blocks.rows_of_a_share(width)
        batch_size, n = actions.shape[:2]
        if rows is None or n is None:
            return 1
        known = batch_size or 1
        return max(1, min(machine.num_cores(), max(known, n), known * n // rows))

    def _width(self, actions: tf.Tensor) -> int | None:
        dense = self._network.dense_energy(self._code, actions.shape[-1])
        return None if dense is None else dense.width


class _Whole(protocols.EnergyFunction):
    """The energy of a network at observations, all rows at a time."""

    def __init__(self, network: energy_network.EnergyNetwork, code: tf.Tensor):
        super().__init__(lambda actions: network.energy(code, actions))
        self._network = network
        self._code = code

    def gradient(self, actions: tf.Tensor) -> tf.Tensor:
        return self._network.energy_and_gradient(self._code, actions)[1]


def _longer_axis(actions: tf.Tensor) -> int:
    """Returns 0 if B is known to be larger than N, and 1 otherwise."""
    batch_size, n = actions.shape[:2]
    return 0 if batch_size is not None and n is not None and batch_size > n else 1


def _cut(
    code: tf.Tensor, rows: Sequence[tf.Tensor], axis: int, part: slice
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """Returns a part of codes ``[B, C]`` and of rows ``[B, N, …]``."""
    if axis == 0:
        return code[part], [tensor[part] for tensor in rows]
    return code, [tensor[:, part] for tensor in rows]


def _swap(values: tf.Tensor, axis: int) -> tf.Tensor:
    """Exchanges dimensions 0 and `axis`."""
    return tf.einsum("bn...->nb...", values) if axis else values
