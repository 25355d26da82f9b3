"""Energies of plain dense layers, and their gradients, by fewer operations than backpropagation."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from ibc_agents.networks.energy import dense_energy
from ibc_agents.networks.layers import dense_resnet

PullBack = Callable[[tf.Tensor], tf.Tensor]
"""The gradient in some outputs → the gradient in their inputs."""


class _Hidden(NamedTuple):
    """Intermediate results before the last layer of the residual blocks.

    Attributes:
        hidden: ``[M, W]``, which the last layer's outputs are added to.
        activated: The last layer's inputs ``[M, W]``; None if there is no layer.
        pull_backs: For each block the index of its first layer, and the pull-backs of its two
            activations.
    """

    hidden: tf.Tensor
    activated: tf.Tensor | None
    pull_backs: list[tuple[int, PullBack, PullBack]]


class DenseScorer:
    """Computes a `DenseEnergy` and its gradient in the actions.

    Two identities save products of W × W matrices. The last layer and a linear head are linear, so
    their kernels are multiplied first. The gradient of a linear head is the same for all actions,
    so the backward pass through the last layer is computed for one row. Values and gradients, those
    in the variables included, equal those of backpropagation up to the order of float sums.
    """

    def __init__(self, dense: dense_energy.DenseEnergy, product_dtype: tf.DType = tf.float32):
        """Creates the scorer.

        Args:
            dense: The layers, and the code ``[B, W]``.
            product_dtype: Dtype of the factors of products between hidden layers;
                weights, biases, sums and results are float32.
        """
        self._dense = dense
        self._product_dtype = product_dtype

    def energy(self, actions: tf.Tensor) -> tf.Tensor:
        """Maps actions ``[B, N, A]`` to energies ``[B, N]``."""
        hidden = self._until_last_layer(self._first_layer(actions))
        if dense_resnet.is_linear(self._dense.head):
            energies = self._project(hidden)
        else:
            energies = self._dense.head(self._last_layer(hidden))
        return tf.reshape(energies, tf.shape(actions)[:2])

    def energy_and_gradient(self, actions: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Maps actions ``[B, N, A]`` to energies ``[B, N]`` and ∂E/∂a ``[B, N, A]``."""
        hidden = self._until_last_layer(self._first_layer(actions))
        if dense_resnet.is_linear(self._dense.head):
            energies, slope = self._project(hidden), tf.transpose(self._dense.head.kernel)
        else:
            energies, slope = self._head_and_slope(self._last_layer(hidden))
        in_first_layer = self._pull_back(hidden, slope)
        gradient = tf.matmul(in_first_layer, self._dense.action_kernel, transpose_b=True)
        shape = tf.shape(actions)
        return tf.reshape(energies, shape[:2]), tf.reshape(gradient, shape)

    def _first_layer(self, actions: tf.Tensor) -> tf.Tensor:
        """Returns ``[B · N, W]``: two-dimensional products are faster than batched ones."""
        code, kernel = self._dense.code, self._dense.action_kernel
        projected = tf.matmul(tf.reshape(actions, [-1, actions.shape[-1]]), kernel)
        if code.shape[0] == 1:  # TensorFlow fuses a bias with the product
            return tf.nn.bias_add(projected, code[0])
        of_each = tf.reshape(projected, [-1, tf.shape(actions)[1], self._dense.width])
        return tf.reshape(code[:, None] + of_each, [-1, self._dense.width])

    def _until_last_layer(self, inputs: tf.Tensor) -> _Hidden:
        hidden, activated, pull_backs = inputs, None, []
        for first in range(0, len(self._dense.layers), 2):
            if activated is not None:
                hidden = dense_resnet.add(hidden, self._linear(first - 1, activated))
            activated, outer = self._activate(hidden)
            activated, inner = self._activate(self._linear(first, activated))
            pull_backs.append((first, outer, inner))
        return _Hidden(hidden, activated, pull_backs)

    def _last_layer(self, hidden: _Hidden) -> tf.Tensor:
        """Returns the outputs of the residual blocks, ``[M, W]``."""
        if hidden.activated is None:
            return hidden.hidden
        return dense_resnet.add(hidden.hidden, self._linear(-1, hidden.activated))

    def _project(self, hidden: _Hidden) -> tf.Tensor:
        """Returns the linear head of the blocks' outputs, ``[M, 1]``, by one product."""
        head = self._dense.head
        projected = tf.matmul(hidden.hidden, head.kernel)
        if hidden.activated is not None:
            last = self._dense.layers[-1]
            projected += tf.matmul(hidden.activated, tf.matmul(last.kernel, head.kernel))
            if last.use_bias:
                projected += tf.matmul(last.bias[None], head.kernel)
        return projected + head.bias if head.use_bias else projected

    def _head_and_slope(self, outputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns energies ``[M, 1]`` and their gradient in the blocks' outputs ``[M, W]``."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(outputs)
            energies = self._dense.head(outputs)
        return energies, tape.gradient(energies, outputs)

    def _pull_back(self, hidden: _Hidden, gradient: tf.Tensor) -> tf.Tensor:
        """Maps the gradient in the blocks' outputs, ``[M or 1, W]``, to that in their inputs."""
        for first, outer, inner in reversed(hidden.pull_backs):
            through = inner(self._transposed(first + 1, gradient))
            gradient += outer(self._transposed(first, through))
        return tf.broadcast_to(gradient, tf.shape(hidden.hidden))

    def _activate(self, inputs: tf.Tensor) -> tuple[tf.Tensor, PullBack]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(inputs)
            outputs = self._dense.activation(inputs)
        return outputs, lambda gradient: tape.gradient(
            outputs, inputs, tf.broadcast_to(gradient, tf.shape(outputs))
        )

    def _linear(self, k: int, inputs: tf.Tensor) -> tf.Tensor:
        layer = self._dense.layers[k]
        product = self._product(inputs, layer.kernel)
        return tf.nn.bias_add(product, layer.bias) if layer.use_bias else product

    def _transposed(self, k: int, gradient: tf.Tensor) -> tf.Tensor:
        return self._product(gradient, self._dense.layers[k].kernel, transpose_b=True)

    def _product(self, inputs: tf.Tensor, kernel: tf.Tensor, transpose_b=False) -> tf.Tensor:
        factors = (tf.cast(factor, self._product_dtype) for factor in (inputs, kernel))
        return tf.cast(tf.matmul(*factors, transpose_b=transpose_b), tf.float32)
