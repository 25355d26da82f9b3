"""How many rows go through dense layers at a time, so that what is in between stays in cache."""

from __future__ import annotations

import gin
import tensorflow as tf

from ibc_agents.acceleration import machine

# Below it the choice makes little difference.
_WORTHWHILE_SPEEDUP = 1.1
# Of one layer's activations; with much more, products of 256 units are divided among cores where
# the second-level cache has two MiB.
_NUM_BYTES = 9 * 2**15
# Of one layer's activations; less is gone through by one core before another has begun.
_WORTHWHILE_BYTES = 2**15
# What is measured.
_WIDTH, _LAYERS = 128, 2
_BLOCK = _NUM_BYTES // (4 * _WIDTH)
_ROWS = 64 * _BLOCK


@gin.configurable
class CacheBlocks:
    """Splits rows into blocks where that is faster; never where there is a GPU.

    Between two products everything is element by element, and as fast as memory is. A block whose
    activations fit a processor's cache never waits for it, and needs a fraction of the memory; and
    where an operation is small TensorFlow gives it one core, so that as many blocks go at once as
    there are cores, rather than cores waiting for each other after every operation. Whether a
    single score is faster so is measured.

    Where rows go through many steps, each core takes some of them through all, and waits for others
    only at the end; that has been faster wherever it was measured. The numbers are the same but for
    the order of sums.
    """

    def __init__(self, enabled: bool | None = None, num_bytes: int = _NUM_BYTES):
        """Sets the choice.

        Args:
            enabled: whether to split; None where this machine is faster so (`machine.speedup`), and
                in any case what goes through many steps.
            num_bytes: of one layer's activations in a block, positive.

        Raises:
            ValueError: if `num_bytes` is not positive.
        """
        if num_bytes < 1:
            raise ValueError(f"num_bytes must be positive, got {num_bytes}.")
        self._enabled = enabled
        self._num_bytes = num_bytes

    def rows(self, width: int) -> int | None:
        """Returns how many rows of `width` float32 numbers a block has; None for all in one."""
        if tf.config.get_visible_devices("GPU"):
            return None
        enabled = _are_faster() if self._enabled is None else self._enabled
        return max(1, self._num_bytes // (4 * width)) if enabled else None

    def rows_of_a_core(self, width: int) -> int | None:
        """Returns how many rows are worth a core's while in many steps; None for one core alone."""
        if self._enabled is False or tf.config.get_visible_devices("GPU"):
            return None
        return max(1, _WORTHWHILE_BYTES // (4 * width))


def _are_faster() -> bool:
    name = f"blocks_of_{_BLOCK}_of_{_ROWS}_rows_through_{_LAYERS}_layers_of_{_WIDTH}"
    return machine.speedup(name, _whole, _in_blocks) > _WORTHWHILE_SPEEDUP


def _whole() -> None:
    _numbers_of(_gradients(_ROWS))


def _in_blocks() -> None:
    _numbers_of(_gradients(_BLOCK))


@tf.function(autograph=False)
def _gradients(block: int) -> list[tf.Tensor]:
    """A forward and backward pass, in blocks of so many rows."""
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


def _numbers_of(tensors: list[tf.Tensor]) -> None:
    for tensor in tensors:
        tensor.numpy()
