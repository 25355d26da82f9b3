"""Regression network: an encoder and a linear output."""

from __future__ import annotations

import tensorflow as tf
from tf_agents.networks import network

from ibc_agents.networks.layers import float32_layers


class RegressionNetwork(network.Network):
    """An encoder and a linear layer: from the observation window to a vector."""

    def __init__(
        self, encoder: tf.keras.layers.Layer, output_size: int, name: str = "RegressionNetwork"
    ):
        """Creates the network; variables come with the first call.

        Args:
            encoder: Maps the observation window to a vector ``[B, ·]``.
            output_size: Size of the output vector, positive.
            name: Name of the network.
        """
        super().__init__(input_tensor_spec=None, state_spec=(), name=name)
        self._encoder = encoder
        self._output = float32_layers.dense(output_size)

    def call(self, observation, step_type=None, network_state=(), training=False):
        """Maps normalized observations, a nest of ``[B, T, …]``, to float32 ``[B, output_size]``.

        Args:
            observation: The window.
            step_type: Not used.
            network_state: Returned unchanged; the network has no state.
            training: As in Keras.

        Returns:
            (outputs, network_state).
        """
        del step_type
        return self._output(self._encoder(observation, training=training)), network_state
