"""Sizes of the blocks of rows that pass through dense layers together."""

from __future__ import annotations

import tensorflow as tf

from ibc_agents.acceleration import machine, measured_choice

# Bytes of one layer's activations in a block. With many more, TensorFlow divides products of 256
# units among the cores if the second-level cache has 2 MiB.
BLOCK_BYTES = 9 * 2**15
# With fewer bytes of one layer's activations, a share ends before the next core has started.
_MIN_SHARE_BYTES = 2**15
# Sizes of the measured workload.
_WIDTH, _LAYERS = 128, 2
_BLOCK = BLOCK_BYTES // (4 * _WIDTH)
_ROWS = 64 * _BLOCK


class Blocks:
    """Selects the number of rows in a block, and the smallest share of a core.

    Between two products every operation is elementwise and bound by memory bandwidth. A block whose
    activations fit into the cache of a core does not wait for memory and needs a fraction of it.
    TensorFlow also gives a small operation to one core, so that one block runs on each core and no
    core waits for the others after every operation. Whether blocks are faster is measured.

    Chains of many steps are shared among the cores, which then wait for each other only at the end.
    That was faster wherever it was measured.

    On a GPU there are neither blocks nor shares. The results are equal up to the order of float
    sums.
    """

    def __init__(self, enabled: bool | None = None, num_bytes: int = BLOCK_BYTES):
        """Sets the choice.

        Args:
            enabled: Whether rows are split; None selects blocks by a measurement of this machine
                (`CHOICE`) and always shares chains.
            num_bytes: Bytes of one layer's activations in a block, positive.
        """
        self._enabled = enabled
        self._num_bytes = num_bytes

    def rows(self, width: int) -> int | None:
        """Returns the rows of `width` float32 numbers in a block; None without blocks."""
        if tf.config.get_visible_devices("GPU"):
            return None
        enabled = CHOICE.make().taken if self._enabled is None else self._enabled
        return max(1, self._num_bytes // (4 * width)) if enabled else None

    def rows_of_a_share(self, width: int) -> int | None:
        """Returns the fewest rows that a core moves through a chain; None if one core has all."""
        if self._enabled is False or tf.config.get_visible_devices("GPU"):
            return None
        return max(1, _MIN_SHARE_BYTES // (4 * width))


def _whole() -> None:
    _wait_for(_gradients(_ROWS))


def _in_blocks() -> None:
    _wait_for(_gradients(_BLOCK))


@tf.function(autograph=False)
def _gradients(block: int) -> list[tf.Tensor]:
    """Runs a forward and backward pass in blocks of `block` rows."""
    inputs = tf.ones([_ROWS, _WIDTH])
    kernels = [tf.eye(_WIDTH) for _ in range(_LAYERS)]

    def add_block(k, sums):
        hidden = inputs[k * block : (k + 1) * block]
        inner_kernels = [tf.identity(kernel) for kernel in kernels]
        with tf.GradientTape() as tape:
            tape.watch(inner_kernels)
            for kernel in inner_kernels:
                hidden = tf.nn.relu(tf.matmul(hidden, kernel))
        gradients = tape.gradient(hidden, inner_kernels)
        return k + 1, [one + other for one, other in zip(sums, gradients, strict=True)]

    sums = [tf.zeros_like(kernel) for kernel in kernels]
    return tf.while_loop(
        lambda k, _: k < _ROWS // block,
        add_block,
        (0, sums),
        parallel_iterations=machine.num_cores(),
    )[1]


def _wait_for(tensors: list[tf.Tensor]) -> None:
    for tensor in tensors:
        tensor.numpy()


CHOICE = measured_choice.MeasuredChoice(
    f"blocks_of_{_BLOCK}_of_{_ROWS}_rows_through_{_LAYERS}_layers_of_{_WIDTH}", _whole, _in_blocks
)
"""Whether blocks are used on this machine."""
