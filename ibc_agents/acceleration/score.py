"""A score function that computes another one in blocks of examples."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from ibc_agents.acceleration import blocks as blocks_lib
from ibc_agents.acceleration import machine
from ibc_agents.networks.energy import energy_network

Score = Callable[[tf.Tensor, Any, bool], tuple[tf.Tensor, dict[str, tf.Tensor]]]
"""Codes ``[B, C]``, a nest of the other data of each example ``[B, …]``, and `training` as in
Keras → the loss of each example ``[B]``, and a dict of values to report ``[B]``."""

BlockScore = Callable[[tf.Tensor, Any], tuple[tf.Tensor, dict[str, tf.Tensor]]]
"""A `Score` without `training`."""

# With fewer blocks, tracing takes longer than a run saves.
_FEW_BLOCKS = 4


class AcceleratedScore:
    """Wraps an agent's score function, with equal losses and gradients.

    In training, each block of examples goes forward and backward before its activations leave the
    cache. A wrapped network cannot do this, since the loss of an example lies between its energies
    and their gradients.
    """

    def __init__(
        self, score: Score, network: energy_network.EnergyNetwork, blocks: blocks_lib.Blocks
    ):
        """Wraps a score function.

        Args:
            score: Scores each example independently of the others. It depends on variables only
                through the energies of `network` at the codes.
            network: The energy network; blocks need its `dense_energy`.
            blocks: Sizes of the blocks.
        """
        self._score = score
        self._network = network
        self._blocks = blocks

    def __call__(
        self, code: tf.Tensor, rows: dict[str, tf.Tensor], training: bool
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Scores the examples; see `Score`.

        Args:
            code: ``[B, C]``.
            rows: A dict of ``[B, N, …]``, with `candidates` ``[B, N, A]``.
            training: As in Keras; without training there is a single block.
        """
        dense = self._network.dense_energy(code, rows["candidates"].shape[-1])
        if not training or dense is None:
            return self._score(code, rows, training)
        num_rows = self._blocks.rows(dense.width)
        if num_rows is None:
            return self._score(code, rows, training)
        num_actions = max(leaf.shape[1] for leaf in rows.values())
        size = max(1, num_rows // num_actions)
        if code.shape[0] is not None and code.shape[0] <= _FEW_BLOCKS * size:
            return self._score(code, rows, training)
        score = functools.partial(self._score, training=training)
        return losses_in_blocks(score, code, rows, dense.trainable_variables, size)


def losses_in_blocks(
    score: BlockScore, code: tf.Tensor, rows: Any, variables: Sequence[tf.Variable], size: int
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """Returns ``score(code, rows)``, computed `size` examples at a time.

    Each block has its own forward and backward pass. One block per core runs at a time, so that
    only the activations of these blocks are in memory. The backward pass assumes that the loss of
    every example has the same weight, as in a mean. If the weights differ, all blocks are computed
    again.

    Args:
        score: Scores each example independently of the others.
        code: ``[B, C]``; gradients flow into it.
        rows: Nest of ``[B, …]``; no gradients flow into it.
        variables: The variables that `score` depends on; gradients flow into them.
        size: Examples in a block, at least 1.
    """
    sources = [code, *(tf.convert_to_tensor(variable) for variable in variables)]
    code = tf.stop_gradient(code)
    equal = tf.ones([tf.shape(code)[0]])
    losses, report, gradients = _score_blocks(score, code, rows, variables, size, equal)

    @tf.custom_gradient
    def with_gradients(losses, *_):
        def in_sources(upstream):
            return None, *tf.cond(
                tf.reduce_max(upstream) == tf.reduce_min(upstream),
                lambda: [upstream[0] * gradient for gradient in gradients],
                lambda: _score_blocks(score, code, rows, variables, size, upstream)[2],
            )

        return tf.identity(losses), in_sources

    return with_gradients(tf.stop_gradient(losses), *sources), report


def _score_blocks(score, code, rows, variables, size, weights):
    """Returns losses, the report, and the gradients of Σ weights · losses."""
    num_blocks = tf.maximum(1, -(-tf.shape(code)[0] // size))

    def one_block(k):
        part = slice(k * size, (k + 1) * size)
        block_code = code[part]
        with tf.GradientTape() as tape:
            tape.watch(block_code)
            scores = score(block_code, tf.nest.map_structure(lambda leaf: leaf[part], rows))
            total = tf.reduce_sum(weights[part] * scores[0])
        in_code, *in_variables = tape.gradient(
            total, [block_code, *variables], unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        return (scores, in_code), in_variables

    def add_block(k, collected, sums):
        of_examples, in_variables = one_block(k)
        return (
            k + 1,
            write(k, collected, of_examples),
            tf.nest.map_structure(tf.add, sums, in_variables),
        )

    def write(k, collected, values):
        return [
            array.write(k, value)
            for array, value in zip(collected, tf.nest.flatten(values), strict=True)
        ]

    # The first block shows the structure and the dtypes of what is collected.
    of_examples, in_variables = one_block(0)
    collected = [
        tf.TensorArray(
            value.dtype, num_blocks, infer_shape=False, element_shape=[None, *value.shape[1:]]
        )
        for value in tf.nest.flatten(of_examples)
    ]
    _, collected, in_variables = tf.while_loop(
        lambda k, *_: k < num_blocks,
        add_block,
        (1, write(0, collected, of_examples), in_variables),
        parallel_iterations=machine.num_cores(),
    )
    (losses, report), in_code = tf.nest.pack_sequence_as(
        of_examples, [array.concat() for array in collected]
    )
    return losses, report, [in_code, *in_variables]
