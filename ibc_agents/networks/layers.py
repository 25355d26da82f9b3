"""Dense layers that several networks share."""

from __future__ import annotations

import tensorflow as tf


class DenseResNet(tf.keras.layers.Layer):
    """Pre-activation residual blocks of two dense layers (paper appendix).

    "W × D" throughout this library means: a projection to W by whoever uses the blocks, D/2 blocks
    of two W-wide layers here, then a linear output layer by whoever uses them.
    """

    def __init__(self, width: int, depth: int, activation: str = "relu", **kwargs):
        """Creates the blocks.

        Args:
            width: W, units of every layer, positive.
            depth: D, number of dense layers, even and not negative.
            activation: name of a Keras activation.
            **kwargs: of the Keras layer.

        Raises:
            ValueError: if the width or the depth cannot be.
        """
        super().__init__(**kwargs)
        if width < 1 or depth < 0 or depth % 2:
            raise ValueError(
                "A dense ResNet needs a positive width and an even depth (two layers a block), "
                f"got width {width}, depth {depth}."
            )
        self._activation = tf.keras.activations.get(activation)
        self._blocks = [
            (tf.keras.layers.Dense(width), tf.keras.layers.Dense(width)) for _ in range(depth // 2)
        ]
        # Keras does not look for layers inside tuples of lists.
        self._layers_of_blocks = [layer for block in self._blocks for layer in block]

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Maps ``[…, W]`` to ``[…, W]``."""
        hidden = inputs
        for first, second in self._blocks:
            hidden += second(self._activation(first(self._activation(hidden))))
        return hidden


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
                "choose a pixel network."
            )
    flat = [tf.reshape(leaf, [tf.shape(leaf)[0], leaf.shape[1:].num_elements()]) for leaf in leaves]
    return tf.concat([tf.cast(leaf, tf.float32) for leaf in flat], axis=-1)
