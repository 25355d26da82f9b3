"""Dense layers that several networks share."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from ibc_agents.networks import dropout

DenseFactory = Callable[..., tf.keras.layers.Layer]
"""Units (and Keras' keyword `use_bias`) → a dense layer."""


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

    def _layer(self, k: int, inputs: tf.Tensor, training: bool | None) -> tf.Tensor:
        if self._norms:
            inputs = self._norms[k](inputs)
        hidden = self._activation(inputs)
        if self._dropout is not None:
            hidden = self._dropout(hidden, training=training)
        # Keras leaves `training` away where a layer does not take it.
        return self._layers_of_blocks[k](hidden, training=training)


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
