"""Energy network for vector observations: a dense ResNet on [o, a]."""

from __future__ import annotations

from typing import Any

import gin
import tensorflow as tf

from ibc_agents.core import setting_checks
from ibc_agents.networks.energy import dense_energy as dense_energy_lib
from ibc_agents.networks.energy import energy_network
from ibc_agents.networks.heads import soft_minimum
from ibc_agents.networks.layers import dense_resnet, float32_layers, spectral_norm


@gin.configurable
class MlpEnergyNetwork(energy_network.EnergyNetwork):
    """A width × depth dense ResNet on [o, a] with a scalar output.

    The first layer is linear in [o, a]: W_o o + b + W_a a. The observation's share, W_o o + b, is
    computed once and is the code (C = width). This is the published network without repeating the
    observation for every sample. An `encoder` adds layers for the observation before it.

    References:
        Florence et al., "Implicit Behavioral Cloning", 2021, Appendix B.
        https://arxiv.org/abs/2109.00137

    Examples:
        >>> network = MlpEnergyNetwork(width=16, depth=2)
        >>> code = network.encode(tf.zeros([3, 2, 5]))  # 3 windows of 2 frames of 5 numbers
        >>> network.energy(code, tf.zeros([3, 7, 4])).shape  # 7 actions of 4 dimensions each
        TensorShape([3, 7])
    """

    def __init__(
        self,
        width: int = 256,
        depth: int = 2,
        activation: str = "relu",
        encoder: tf.keras.layers.Layer | None = None,
        dropout_rate: float = 0.0,
        layer_norm: bool = False,
        dense: dense_resnet.DenseFactory = float32_layers.dense,
        head: tf.keras.layers.Layer | None = None,
        name: str = "MlpEnergyNetwork",
    ):
        """Creates the network; its first call creates the variables.

        Args:
            width: W, units of each layer that depends on actions, positive.
            depth: D, even; D/2 residual blocks.
            activation: Name of a Keras activation.
            encoder: Maps the observation window to a vector ``[B, ·]``; by default the flattened
                observation itself.
            dropout_rate: Share of the activations dropped in training, in [0, 1).
            layer_norm: Whether the inputs of each residual layer are normalized.
            dense: Makes a dense layer of the given units, for example `SpectralNormDense` (the
                paper's D4RL energies). An encoder has its own setting.
            head: Maps ``[M, W]`` to energies ``[M, 1]``; by default one of `dense`.
            name: Name of the network.

        Raises:
            SettingError: If a setting has a wrong type or is out of range.
        """
        super().__init__(name=setting_checks.check_name("MlpEnergyNetwork.name", name))
        layer = tf.keras.layers.Layer
        setting_checks.check_optional_instance("MlpEnergyNetwork.encoder", encoder, layer)
        setting_checks.check_optional_instance("MlpEnergyNetwork.head", head, layer)
        width, depth = dense_resnet.check_settings(
            "MlpEnergyNetwork", width, depth, activation, dropout_rate, layer_norm, dense
        )
        self._encoder = encoder or tf.keras.layers.Lambda(
            dense_resnet.flatten_observation, dtype="float32"
        )
        self._observation_projection = dense(width)
        self._action_projection = _second_input(self._observation_projection, dense)
        self._blocks = dense_resnet.DenseResNet(
            width, depth, activation, dropout_rate, layer_norm, dense
        )
        self._head = head or dense(1)
        if isinstance(head, soft_minimum.SoftMinimum):
            self.num_basins = head.num_basins
        self._width = width

    def encode(self, observation: Any, training: bool = False) -> tf.Tensor:
        """Returns the observation's share of the first layer, ``[B, W]``."""
        encoded = self._encoder(observation, training=training)
        return self._observation_projection(encoded, training=training)

    def energy(self, code: tf.Tensor, actions: tf.Tensor, training: bool = False) -> tf.Tensor:
        """See the base class."""
        energies = self._head(self._hidden(code, actions, training), training=training)
        return tf.reshape(energies, tf.shape(actions)[:2])

    def basins(self, code: tf.Tensor, actions: tf.Tensor) -> tf.Tensor:
        """See the base class."""
        if self.num_basins is None:
            return super().basins(code, actions)
        num_samples, num_basins = tf.shape(actions)[1], self.num_basins
        distances = self._head.square_distances(self._hidden(code, actions))
        own = tf.one_hot(tf.range(num_samples) % num_basins, num_basins)
        return tf.reduce_sum(tf.reshape(distances, [-1, num_samples, num_basins]) * own, axis=-1)

    def dense_energy(
        self, code: tf.Tensor, num_dimensions: int
    ) -> dense_energy_lib.DenseEnergy | None:
        """See the base class.

        A subclass may compute another energy, and a custom head may draw random numbers
        or keep state; they are not described.
        """
        del num_dimensions
        if type(self) is not MlpEnergyNetwork:
            return None
        known_head = type(self._head) is soft_minimum.SoftMinimum or dense_resnet.is_linear(
            self._head
        )
        plain = dense_resnet.is_linear(self._action_projection) and self._blocks.is_plain
        if not (known_head and plain and self._blocks.built and self._head.built):
            return None
        return dense_energy_lib.DenseEnergy(
            code,
            self._action_projection.kernel,
            self._blocks.layers,
            self._blocks.activation,
            self._head,
        )

    def _hidden(self, code: tf.Tensor, actions: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Returns the last hidden layer with one row per action, ``[B · N, W]``."""
        rows = tf.reshape(actions, [-1, actions.shape[-1]])
        projected = self._action_projection(rows, training=training)
        of_each = tf.reshape(projected, [-1, tf.shape(actions)[1], self._width])
        first = tf.reshape(code[:, None] + of_each, [-1, self._width])
        return self._blocks(first, training=training)


def _second_input(
    first: tf.keras.layers.Layer, dense: dense_resnet.DenseFactory
) -> tf.keras.layers.Layer:
    """Returns the layer whose outputs are added to those of `first`, without a bias."""
    if isinstance(first, spectral_norm.SpectralNormDense):
        return first.second_input()
    return dense(first.units, use_bias=False)
