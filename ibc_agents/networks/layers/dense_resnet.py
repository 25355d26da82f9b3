"""Residual blocks of dense layers, shared by several networks."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from ibc_agents.core import errors, setting_checks
from ibc_agents.networks.layers import dropout, float32_layers

DenseFactory = Callable[..., tf.keras.layers.Layer]
"""Units (and Keras' keyword `use_bias`) → a dense layer."""

_ACTIVATIONS = (
    "elu",
    "exponential",
    "gelu",
    "hard_sigmoid",
    "linear",
    "mish",
    "relu",
    "selu",
    "sigmoid",
    "softmax",
    "softplus",
    "softsign",
    "swish",
    "tanh",
)


class DenseResNet(float32_layers.Float32Layer):
    """Pre-activation residual blocks of two dense layers: z ← z + W φ(V φ(z)).

    "W × D" in this library means: a projection to W units, D/2 blocks of two W-wide layers, then a
    linear output layer. This class is the blocks; the network that contains it adds the rest.

    Each dense layer is preceded by layer normalization (optional), the activation, and dropout
    (optional), in this order.

    References:
        He et al., "Identity Mappings in Deep Residual Networks", 2016.
        https://arxiv.org/abs/1603.05027
    """

    def __init__(
        self,
        width: int,
        depth: int,
        activation: str = "relu",
        dropout_rate: float = 0.0,
        layer_norm: bool = False,
        dense: DenseFactory = float32_layers.dense,
    ):
        """Creates the blocks.

        Args:
            width: W, units of every layer, positive.
            depth: D, number of dense layers, even and not negative.
            activation: Name of a Keras activation.
            dropout_rate: Share of the activations dropped in training, in [0, 1).
            layer_norm: Whether each dense layer's inputs are normalized.
            dense: Makes a dense layer of the given units.

        Raises:
            SettingError: If a setting has a wrong type or is out of range.
        """
        super().__init__()
        width, depth = check_settings(
            "DenseResNet", width, depth, activation, dropout_rate, layer_norm, dense
        )
        self._activation = tf.keras.activations.get(activation)
        self._dropout = dropout.Dropout(dropout_rate) if dropout_rate else None
        self._layers_of_blocks = [dense(width) for _ in range(depth)]
        self._norms = [
            tf.keras.layers.LayerNormalization(dtype="float32")
            for _ in range(depth if layer_norm else 0)
        ]

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Maps ``[…, W]`` to ``[…, W]``."""
        hidden = inputs
        for first in range(0, len(self._layers_of_blocks), 2):
            inner = self._layer(first, hidden, training)
            hidden = add(hidden, self._layer(first + 1, inner, training))
        return hidden

    @property
    def is_plain(self) -> bool:
        """Whether the blocks consist of linear layers and activations only."""
        linear = all(is_linear(layer) for layer in self._layers_of_blocks)
        return linear and not self._norms and self._dropout is None

    @property
    def layers(self) -> tuple[tf.keras.layers.Layer, ...]:
        """The dense layers, two for each block."""
        return tuple(self._layers_of_blocks)

    @property
    def activation(self) -> Callable[[tf.Tensor], tf.Tensor]:
        """The activation before each dense layer."""
        return self._activation

    def _layer(self, k: int, inputs: tf.Tensor, training: bool | None) -> tf.Tensor:
        if self._norms:
            inputs = self._norms[k](inputs)
        hidden = self._activation(inputs)
        if self._dropout is not None:
            hidden = self._dropout(hidden, training=training)
        # Keras omits `training` if a layer does not take it.
        return self._layers_of_blocks[k](hidden, training=training)


def check_settings(
    owner: str,
    width: int,
    depth: int,
    activation: str,
    dropout_rate: float,
    layer_norm: bool,
    dense: DenseFactory,
) -> tuple[int, int]:
    """Checks the settings of `DenseResNet`, which the networks that contain it have too.

    Args:
        owner: The class with these settings, for messages.
        width: See `DenseResNet`; the following as well.
        depth: …
        activation: …
        dropout_rate: …
        layer_norm: …
        dense: …

    Returns:
        Width and depth as integers.

    Raises:
        SettingError: If a setting has a wrong type or is out of range.
    """
    width = setting_checks.check_integer(f"{owner}.width", width, minimum=1)
    depth = setting_checks.check_integer(f"{owner}.depth", depth, minimum=0)
    if depth % 2:
        raise errors.SettingError(
            f"{owner}.depth must be even, because a residual block has two layers; got {depth}."
        )
    setting_checks.check_choice(f"{owner}.activation", activation, _ACTIVATIONS)
    setting_checks.check_number(
        f"{owner}.dropout_rate", dropout_rate, setting_checks.FRACTION_BELOW_1
    )
    setting_checks.check_flag(f"{owner}.layer_norm", layer_norm)
    setting_checks.check_factory(f"{owner}.dense", dense, tf.keras.layers.Dense)
    return width, depth


def add(hidden: tf.Tensor, change: tf.Tensor) -> tf.Tensor:
    """Returns the sum, in a form that TensorFlow can fuse with the preceding matrix product.

    If two such sums follow each other, the graph optimizer of TensorFlow 2.15 stops with "remapper
    failed" and fuses nothing in the whole graph. A shape between the sums prevents that.
    """
    return tf.ensure_shape(hidden + change, hidden.shape)


def is_linear(layer: tf.keras.layers.Layer) -> bool:
    """Returns whether a layer is inputs · kernel + bias only; a subclass of `Dense` may not be."""
    return type(layer) is tf.keras.layers.Dense and (
        layer.activation is tf.keras.activations.linear
    )


def flatten_observation(observation) -> tf.Tensor:
    """Joins a nest of windows of vectors, leaves ``[B, T, …]``, into float32 ``[B, T · size]``.

    Raises:
        ObservationError: If a leaf is an image (uint8), which a vector network cannot take.
    """
    leaves = tf.nest.flatten(observation)
    for leaf in leaves:
        if leaf.dtype == tf.uint8:
            raise errors.ObservationError(
                f"The network takes vectors, but a part of the observation is an image of "
                f"{leaf.shape[2:]} pixels: choose PixelEncoder."
            )
    flat = [tf.reshape(leaf, [tf.shape(leaf)[0], leaf.shape[1:].num_elements()]) for leaf in leaves]
    return tf.concat([tf.cast(leaf, tf.float32) for leaf in flat], axis=-1)
