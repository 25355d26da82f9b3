"""Energy network for vector observations: a dense ResNet on [o, a] (paper appendix)."""

from __future__ import annotations

from typing import Any

import gin
import tensorflow as tf

from ibc_agents.networks import energy_network, layers


@gin.configurable
class MlpEnergyNetwork(energy_network.EnergyNetwork):
    """A width × depth dense ResNet on [o, a] with a scalar output.

    The first layer is linear in [o, a], so the observation's share of it is computed once and is
    the code (C = width); each action only adds its own share. That is the published network,
    without repeating the observation for every sample. An `encoder` before it gives the observation
    layers of its own.
    """

    def __init__(
        self,
        width: int = 256,
        depth: int = 2,
        activation: str = "relu",
        encoder: tf.keras.layers.Layer | None = None,
        name: str = "MlpEnergyNetwork",
    ):
        """Creates the network; variables come with the first call.

        Args:
            width: W, units of each layer that sees the actions, positive.
            depth: D, even; D/2 residual blocks.
            activation: name of a Keras activation.
            encoder: maps the observation window to a vector ``[B, ·]``; by default the flattened
                observation itself.
            name: of the network.

        Raises:
            ValueError: if width or depth cannot be.
        """
        super().__init__(name=name)
        self._encoder = encoder or tf.keras.layers.Lambda(layers.flatten_observation)
        self._observation_projection = tf.keras.layers.Dense(width)
        self._action_projection = tf.keras.layers.Dense(width, use_bias=False)
        self._blocks = layers.DenseResNet(width, depth, activation)
        self._output = tf.keras.layers.Dense(1)

    def encode(self, observation: Any, training: bool = False) -> tf.Tensor:
        """Returns the observation's share of the first layer, ``[B, W]``."""
        return self._observation_projection(self._encoder(observation, training=training))

    def energy(self, code: tf.Tensor, actions: tf.Tensor, training: bool = False) -> tf.Tensor:
        """See the base class."""
        batch_size, n, _ = tf.unstack(tf.shape(actions))
        hidden = code[:, None] + self._action_projection(actions)
        # Two-dimensional products are a good deal faster than batched ones.
        hidden = self._blocks(tf.reshape(hidden, [-1, hidden.shape[-1]]))
        return tf.reshape(self._output(hidden), [batch_size, n])
