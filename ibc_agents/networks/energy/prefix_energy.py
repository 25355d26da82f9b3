"""Energies of prefixes, one for each dimension, for autoregressive optimization."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gin
import tensorflow as tf

from ibc_agents.core import setting_checks
from ibc_agents.networks.energy import dense_energy as dense_energy_lib
from ibc_agents.networks.energy import energy_network


@gin.configurable
class PrefixEnergyNetwork(energy_network.EnergyNetwork):
    """E_j(o, a_1 … a_j) for j = 1 … A: one energy network for each dimension.

    With an `encoder`, all heads score prefixes given its shared code. Without one, each head
    encodes the observation separately.

    References:
        Florence et al., "Implicit Behavioral Cloning", 2021, Appendix B.
        https://arxiv.org/abs/2109.00137
    """

    scores_prefixes = True

    def __init__(
        self,
        head: Callable[[], energy_network.EnergyNetwork],
        encoder: tf.keras.layers.Layer | None = None,
        name: str = "PrefixEnergyNetwork",
    ):
        """Creates the network; its first call determines A and creates heads and variables.

        Args:
            head: Makes the energy network of one dimension, for example `MlpEnergyNetwork`.
            encoder: Maps the observation window to a vector ``[B, ·]`` for all heads, or None.
            name: Name of the network.

        Raises:
            SettingError: If a part lacks its base class.
        """
        super().__init__(name=setting_checks.check_name("PrefixEnergyNetwork.name", name))
        setting_checks.check_factory("PrefixEnergyNetwork.head", head, energy_network.EnergyNetwork)
        setting_checks.check_optional_instance(
            "PrefixEnergyNetwork.encoder", encoder, tf.keras.layers.Layer
        )
        self._make_head = head
        self._encoder = encoder
        self._heads: list[energy_network.EnergyNetwork] = []

    def build(self, input_shape):
        """Makes a head for each action dimension.

        Args:
            input_shape: Shapes of the pair (observation, actions).
        """
        _, actions = input_shape
        self._heads = [self._make_head() for _ in range(actions[-1])]
        super().build(input_shape)

    def encode(self, observation: Any, training: bool = False) -> tf.Tensor:
        """Returns the concatenated codes of all heads, ``[B, A · C]``."""
        encoded = self._encode_once(observation, training)
        return tf.concat([head.encode(encoded, training) for head in self._heads], axis=-1)

    def energy(self, code: tf.Tensor, actions: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Returns energies ``[B, N]`` of the last dimension given the preceding ones.

        Args:
            code: ``[B, A · C]``.
            actions: Prefixes of scaled actions, ``[B, N, j]``, j from 1 to A; j must be static.
            training: As in Keras.

        Raises:
            ValueError: If j is out of range.
        """
        head, code = self._head_and_code(code, actions.shape[-1])
        return head.energy(code, actions, training)

    def dense_energy(
        self, code: tf.Tensor, num_dimensions: int
    ) -> dense_energy_lib.DenseEnergy | None:
        """See the base class."""
        head, code = self._head_and_code(code, num_dimensions)
        return head.dense_energy(code, num_dimensions)

    def call(self, inputs, step_type=None, network_state=(), training=False):
        """Scores every prefix of `inputs`, a pair (observation, actions).

        Args:
            inputs: (nest of ``[B, T, …]``, float32 ``[B, N, A]``).
            step_type: Not used.
            network_state: Returned unchanged; the network has no state.
            training: As in Keras.

        Returns:
            (Σ_j E_j ``[B, N]``, network_state). The sum is part of the training objective. It does
            not rank actions, since each E_j is known only up to a function of the preceding
            dimensions.
        """
        del step_type
        observation, actions = inputs
        encoded = self._encode_once(observation, training)
        energies = [
            head((encoded, actions[..., : j + 1]), training=training)[0]
            for j, head in enumerate(self._heads)
        ]
        return tf.add_n(energies), network_state

    def _encode_once(self, observation, training):
        """Returns the heads' input: the encoded observation, or the observation itself."""
        if self._encoder is None:
            return observation
        return self._encoder(observation, training=training)

    def _head_and_code(self, code, num_dimensions):
        """Returns the head of prefixes of this length, and its code ``[B, C]``."""
        if not 1 <= num_dimensions <= len(self._heads):
            raise ValueError(
                f"A prefix has 1 to {len(self._heads)} dimensions, got {num_dimensions}."
            )
        codes = tf.split(code, len(self._heads), axis=-1)
        return self._heads[num_dimensions - 1], codes[num_dimensions - 1]
