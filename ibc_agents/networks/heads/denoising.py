"""Denoising network: predicts the noise in an action, for diffusion policies."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
from tf_agents.networks import network

from ibc_agents.networks.layers import dense_resnet, float32_layers


class DenoisingNetwork(network.Network):
    """An encoder and a dense ResNet: predicts the noise ε of noisy actions at an observation.

    The first layer is linear in the code, the noisy action and an embedding of the noise level. The
    observation is encoded once for all steps of the denoising.
    """

    def __init__(
        self,
        encoder: tf.keras.layers.Layer,
        action_size: int,
        num_levels: int,
        width: int = 256,
        depth: int = 4,
        activation: str = "swish",
        name: str = "DenoisingNetwork",
    ):
        """Creates the network; variables come with the first call.

        Args:
            encoder: Maps the observation window to a vector ``[B, ·]``.
            action_size: A, positive.
            num_levels: K, the number of noise levels, positive.
            width: W, units of each layer that depends on actions, positive.
            depth: Number of dense layers, even.
            activation: Name of a Keras activation.
            name: Name of the network.
        """
        super().__init__(input_tensor_spec=None, state_spec=(), name=name)
        self._encoder = encoder
        self._code_projection = float32_layers.dense(width)
        self._action_projection = float32_layers.dense(width, use_bias=False)
        self._num_levels = num_levels
        # A matrix product with one-hot levels, because the gradient of an embedding is sparse.
        self._level_projection = float32_layers.dense(width, use_bias=False)
        self._blocks = dense_resnet.DenseResNet(width, depth, activation)
        self._output = float32_layers.dense(action_size)

    def encode(self, observation: Any, training: bool = False) -> tf.Tensor:
        """Returns the share of normalized windows, a nest of ``[B, T, …]``, ``[B, W]``."""
        return self._code_projection(self._encoder(observation, training=training))

    def denoise(
        self, code: tf.Tensor, actions: tf.Tensor, levels: tf.Tensor, training: bool = False
    ) -> tf.Tensor:
        """Predicts the noise.

        Args:
            code: ``[B, W]``, as `encode` returns it.
            actions: Noisy scaled actions ``[B, A]``.
            levels: Noise levels, int32 ``[B]``, from 0 to K − 1.
            training: As in Keras.

        Returns:
            ``[B, A]``.
        """
        level = self._level_projection(tf.one_hot(levels, self._num_levels))
        hidden = code + self._action_projection(actions) + level
        return self._output(self._blocks(hidden, training=training))

    def call(self, inputs, step_type=None, network_state=(), training=False):
        """Predicts the noise of `inputs`, a triple (observation, actions, levels).

        Args:
            inputs: (nest of ``[B, T, …]``, float32 ``[B, A]``, int32 ``[B]``).
            step_type: Not used.
            network_state: Returned unchanged; the network has no state.
            training: As in Keras.

        Returns:
            (noise ``[B, A]``, network_state).
        """
        del step_type
        observation, actions, levels = inputs
        code = self.encode(observation, training)
        return self.denoise(code, actions, levels, training), network_state
