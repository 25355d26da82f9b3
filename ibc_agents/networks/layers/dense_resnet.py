"""Dense layers that several networks share."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from ibc_agents.networks.layers import dropout

DenseFactory = Callable[..., tf.keras.layers.Layer]
"""Units (and Keras' keyword `use_bias`) → a dense layer."""

PullBack = Callable[[tf.Tensor], tf.Tensor]
"""The gradient in some outputs → the gradient in their inputs."""


class _Run(NamedTuple):
    """What is known before the last layer of residual blocks.

    Attributes:
        hidden: ``[M, W]``, what the last layer's outputs are added to.
        activated: the last layer's inputs ``[M, W]``; None where there is no layer.
        ways_back: of each block the number of its first layer, and how gradients come back through
            its two activations.
    """

    hidden: tf.Tensor
    activated: tf.Tensor | None
    ways_back: list[tuple[int, PullBack, PullBack]]


class DenseResNet(tf.keras.layers.Layer):
    """Pre-activation residual blocks of two dense layers (paper appendix).

    "W × D" throughout this library means: a projection to W by whoever uses the blocks, D/2 blocks
    of two W-wide layers here, then a linear output layer by whoever uses them.

    Before each dense layer come layer normalisation (if asked for), the activation, and dropout (if
    asked for), in this order.
    """

    def __init__(
        self,
        width: int,
        depth: int,
        activation: str = "relu",
        dropout_rate: float = 0.0,
        layer_norm: bool = False,
        dense: DenseFactory = tf.keras.layers.Dense,
        product_dtype: tf.DType = tf.float32,
    ):
        """Creates the blocks.

        Args:
            width: W, units of every layer, positive.
            depth: D, number of dense layers, even and not negative.
            activation: name of a Keras activation.
            dropout_rate: share of the activations dropped in training, in [0, 1).
            layer_norm: whether each dense layer's inputs are normalised.
            dense: makes a dense layer of so many units.
            product_dtype: what the numbers of W × W products are rounded to, in the methods of
                plain blocks; weights, biases, sums and results stay float32.

        Raises:
            ValueError: if the width, the depth or the dropout rate cannot be, or `product_dtype` is
                not float32 and the blocks are not plain.
        """
        super().__init__()
        if width < 1 or depth < 0 or depth % 2:
            raise ValueError(
                "A dense ResNet needs a positive width and an even depth (two layers a block), "
                f"got width {width}, depth {depth}."
            )
        self._activation = tf.keras.activations.get(activation)
        self._dropout = dropout.Dropout(dropout_rate) if dropout_rate else None
        self._layers_of_blocks = [dense(width) for _ in range(depth)]
        self._norms = [
            tf.keras.layers.LayerNormalization() for _ in range(depth if layer_norm else 0)
        ]
        self._product_dtype = tf.as_dtype(product_dtype)
        if self._product_dtype != tf.float32 and not self.is_plain:
            raise ValueError(
                f"Products in {self._product_dtype.name} need linear dense layers without dropout "
                "and layer normalisation; leave the precision at float32 here."
            )

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Maps ``[…, W]`` to ``[…, W]``."""
        hidden = inputs
        for first in range(0, len(self._layers_of_blocks), 2):
            inner = self._layer(first, hidden, training)
            hidden = _sum(hidden, self._layer(first + 1, inner, training))
        return hidden

    @property
    def is_plain(self) -> bool:
        """Whether linear layers and activations are all there is."""
        linear = all(is_linear(layer) for layer in self._layers_of_blocks)
        return linear and not self._norms and self._dropout is None

    def projected(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """Maps ``[M, W]`` to the outputs' product with `kernel` ``[W, K]``, ``[M, K]``.

        The last layer is linear, so its kernel may meet the given one first: where K is small that
        saves the last layer's own product. The layer must be plain.
        """
        return self._project(self._until_last(inputs), kernel)

    def projected_with_pull_back(
        self, inputs: tf.Tensor, kernel: tf.Tensor
    ) -> tuple[tf.Tensor, PullBack]:
        """As `projected` and `with_pull_back` together; gradients are those in the outputs."""
        run = self._until_last(inputs)
        return self._project(run, kernel), self._pull_back(run)

    def with_pull_back(self, inputs: tf.Tensor) -> tuple[tf.Tensor, PullBack]:
        """Maps ``[M, W]`` to ``[M, W]``, and knows the way back for gradients in the outputs.

        The numbers are those of backpropagation, by fewer products. A gradient that is the same for
        all rows, as of a linear layer behind, may be given as ``[1, W]``; then so is what the last
        layer makes of it. The layer must be plain.

        Returns:
            The outputs, and a function from gradients in them, ``[M, W]`` or ``[1, W]``, to
            gradients in the inputs ``[M, W]``; to be called once.
        """
        run = self._until_last(inputs)
        outputs = run.hidden
        if run.activated is not None:
            outputs = _sum(outputs, self._linear(-1, run.activated))
        return outputs, self._pull_back(run)

    def _until_last(self, inputs: tf.Tensor) -> _Run:
        """Runs all but the last layer."""
        hidden, activated, ways_back = inputs, None, []
        for first in range(0, len(self._layers_of_blocks), 2):
            if activated is not None:
                hidden = _sum(hidden, self._linear(first - 1, activated))
            activated, outer = self._activate(hidden)
            activated, inner = self._activate(self._linear(first, activated))
            ways_back.append((first, outer, inner))
        return _Run(hidden, activated, ways_back)

    def _project(self, run: _Run, kernel: tf.Tensor) -> tf.Tensor:
        projected = tf.matmul(run.hidden, kernel)
        if run.activated is None:
            return projected
        last = self._layers_of_blocks[-1]
        projected += tf.matmul(run.activated, tf.matmul(last.kernel, kernel))
        return projected + tf.matmul(last.bias[None], kernel) if last.use_bias else projected

    def _pull_back(self, run: _Run) -> PullBack:
        def pull_back(gradient: tf.Tensor) -> tf.Tensor:
            for first, outer, inner in reversed(run.ways_back):
                through = inner(self._transposed(first + 1, gradient))
                gradient += outer(self._transposed(first, through))
            return tf.broadcast_to(gradient, tf.shape(run.hidden))

        return pull_back

    def _activate(self, inputs: tf.Tensor) -> tuple[tf.Tensor, PullBack]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(inputs)
            outputs = self._activation(inputs)
        return outputs, lambda gradient: tape.gradient(
            outputs, inputs, tf.broadcast_to(gradient, tf.shape(outputs))
        )

    def _linear(self, k: int, inputs: tf.Tensor) -> tf.Tensor:
        layer = self._layers_of_blocks[k]
        product = self._product(inputs, layer.kernel)
        return tf.nn.bias_add(product, layer.bias) if layer.use_bias else product

    def _transposed(self, k: int, gradient: tf.Tensor) -> tf.Tensor:
        return self._product(gradient, self._layers_of_blocks[k].kernel, transpose_b=True)

    def _product(self, inputs: tf.Tensor, kernel: tf.Tensor, transpose_b=False) -> tf.Tensor:
        factors = (tf.cast(factor, self._product_dtype) for factor in (inputs, kernel))
        return tf.cast(tf.matmul(*factors, transpose_b=transpose_b), tf.float32)

    def _layer(self, k: int, inputs: tf.Tensor, training: bool | None) -> tf.Tensor:
        if self._norms:
            inputs = self._norms[k](inputs)
        hidden = self._activation(inputs)
        if self._dropout is not None:
            hidden = self._dropout(hidden, training=training)
        # Keras leaves `training` away where a layer does not take it.
        return self._layers_of_blocks[k](hidden, training=training)


def _sum(hidden: tf.Tensor, change: tf.Tensor) -> tf.Tensor:
    """Returns the sum, which TensorFlow may compute together with the product before it.

    Where two such sums follow each other, its graph optimiser (TensorFlow 2.15, "remapper failed")
    leaves the whole graph as it is, biases and activations included; a shape between them helps.
    """
    return tf.ensure_shape(hidden + change, hidden.shape)


def is_linear(layer: tf.keras.layers.Layer) -> bool:
    """Whether a layer is inputs · kernel + bias and no more, as subclasses of `Dense` may be."""
    return type(layer) is tf.keras.layers.Dense and (
        layer.activation is tf.keras.activations.linear
    )


def flatten_observation(observation) -> tf.Tensor:
    """Joins a nest of windows of vectors, leaves ``[B, T, …]``, into float32 ``[B, T · size]``.

    Raises:
        ValueError: if a leaf is an image (uint8), which a vector network cannot take.
    """
    leaves = tf.nest.flatten(observation)
    for leaf in leaves:
        if leaf.dtype == tf.uint8:
            raise ValueError(
                f"This network takes vectors, but an observation is an image {leaf.shape}: "
                "choose a pixel network (PixelEncoder)."
            )
    flat = [tf.reshape(leaf, [tf.shape(leaf)[0], leaf.shape[1:].num_elements()]) for leaf in leaves]
    return tf.concat([tf.cast(leaf, tf.float32) for leaf in flat], axis=-1)
