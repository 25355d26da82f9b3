"""Losses and their gradients, some examples at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from ibc_agents.acceleration import machine

Score = Callable[[tf.Tensor, Any], tuple[tf.Tensor, dict[str, tf.Tensor]]]
"""Codes ``[b, C]`` and a nest of what else there is → of each example its loss ``[b]``, and a dict
of what to report ``[b]``."""


def losses_in_blocks(
    score: Score, code: tf.Tensor, rows: Any, variables: Sequence[tf.Variable], size: int
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """Returns ``score(code, rows)``, having scored `size` examples at a time.

    Each block goes forward and backward by itself, as many at once as there are cores, so that only
    so many blocks' activations exist at a time. Only then are the losses known, and what the
    gradient in each will be; as a rule it is the same in all, a mean's. Where it is not, all blocks
    are gone through once more.

    Args:
        score: scores each example by itself.
        code: ``[B, C]``; gradients flow into it.
        rows: nest of ``[B, …]``; no gradients flow into it.
        variables: those that `score` depends on; gradients flow into them.
        size: examples in a block, at least 1.
    """
    sources = [code, *(tf.convert_to_tensor(variable) for variable in variables)]
    code = tf.stop_gradient(code)
    equal = tf.ones([tf.shape(code)[0]])
    losses, report, gradients = _go_through(score, code, rows, variables, size, equal)

    @tf.custom_gradient
    def with_gradients(losses, *_):
        def in_sources(upstream):
            return None, *tf.cond(
                tf.reduce_max(upstream) == tf.reduce_min(upstream),
                lambda: [upstream[0] * gradient for gradient in gradients],
                lambda: _go_through(score, code, rows, variables, size, upstream)[2],
            )

        return tf.identity(losses), in_sources

    return with_gradients(tf.stop_gradient(losses), *sources), report


def _go_through(score, code, rows, variables, size, weights):
    """Returns losses, what to report, and the gradients of Σ weights · losses."""
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

    # The first block tells what there is to collect.
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
