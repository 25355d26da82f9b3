"""Dense layers that several networks share."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from ibc_agents.networks import dropout

DenseFactory = Callable[..., tf.keras.layers.Layer]
"""Units (and Keras' keyword `use_bias`) → a dense layer."""

PullBack = Callable[[tf.Tensor], tf.Tensor]
"""The gradient in some outputs → the gradient in their inputs."""


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
        **kwargs,
    ):
        """Creates the blocks.

        Args:
            width: W, units of every layer, positive.
            depth: D, number of dense layers, even and not negative.
            activation: name of a Keras activation.
            dropout_rate: share of the activations dropped in training, in [0, 1).
            layer_norm: whether each dense layer's inputs are normalised.
            dense: makes a dense layer of so many units.
            **kwargs: of the Keras layer.

        Raises:
            ValueError: if the width, the depth or the dropout rate cannot be.
        """
        super().__init__(**kwargs)
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

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Maps ``[…, W]`` to ``[…, W]``."""
        hidden = inputs
        for first in range(0, len(self._layers_of_blocks), 2):
            inner = self._layer(first, hidden, training)
            hidden += self._layer(first + 1, inner, training)
        return hidden

    @property
    def is_plain(self) -> bool:
        """Whether `with_pull_back` knows all there is: linear layers and activations."""
        linear = all(is_linear(layer) for layer in self._layers_of_blocks)
        return linear and not self._norms and self._dropout is None

    def with_pull_back(self, inputs: tf.Tensor) -> tuple[tf.Tensor, PullBack]:
        """Maps ``[M, W]`` to ``[M, W]``, and knows the way back for gradients in the outputs.

        The numbers are those of backpropagation, by fewer products. A gradient that is the same for
        all rows, as of a linear layer behind, may be given as ``[1, W]``; then so is what the last
        layer makes of it. And in a graph where only the gradient is used, the last layer's own
        product is left out.

        Returns:
            The outputs, and a function from gradients in them, ``[M, W]`` or ``[1, W]``, to
            gradients in the inputs ``[M, W]``; to be called once.
        """
        hidden, blocks = inputs, []
        for first in range(0, len(self._layers_of_blocks), 2):
            activated, outer = self._activate(hidden)
            activated, inner = self._activate(self._layers_of_blocks[first](activated))
            hidden += self._layers_of_blocks[first + 1](activated)
            blocks.append((first, outer, inner))

        def pull_back(gradient: tf.Tensor) -> tf.Tensor:
            for first, outer, inner in reversed(blocks):
                through = inner(self._transposed(first + 1, gradient))
                gradient += outer(self._transposed(first, through))
            return tf.broadcast_to(gradient, tf.shape(inputs))

        return hidden, pull_back

    def _activate(self, inputs: tf.Tensor) -> tuple[tf.Tensor, PullBack]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(inputs)
            outputs = self._activation(inputs)
        return outputs, lambda gradient: tape.gradient(
            outputs, inputs, tf.broadcast_to(gradient, tf.shape(outputs))
        )

    def _transposed(self, k: int, gradient: tf.Tensor) -> tf.Tensor:
        return tf.matmul(gradient, self._layers_of_blocks[k].kernel, transpose_b=True)

    def _layer(self, k: int, inputs: tf.Tensor, training: bool | None) -> tf.Tensor:
        if self._norms:
            inputs = self._norms[k](inputs)
        hidden = self._activation(inputs)
        if self._dropout is not None:
            hidden = self._dropout(hidden, training=training)
        # Keras leaves `training` away where a layer does not take it.
        return self._layers_of_blocks[k](hidden, training=training)


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
