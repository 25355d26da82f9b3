"""Energies of prefixes, one a dimension, for autoregressive optimisation (paper Sec. 2 b)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gin
import tensorflow as tf

from ibc_agents.networks.energy import energy_network


@gin.configurable
class PrefixEnergyNetwork(energy_network.EnergyNetwork):
    """E_j(o, a_1 … a_j) for j = 1 … A: an energy network a dimension.

    The networks may share what they see of the observation: with an `encoder` here, each head
    scores prefixes given the shared code; without one, each head takes the observation itself and
    shares nothing.
    """

    scores_prefixes = True

    def __init__(
        self,
        head: Callable[[], energy_network.EnergyNetwork],
        encoder: tf.keras.layers.Layer | None = None,
        name: str = "PrefixEnergyNetwork",
    ):
        """Creates the network; heads and variables come with the first call, which tells A.

        Args:
            head: makes the energy network of one dimension, as `@MlpEnergyNetwork`.
            encoder: maps the observation window to a vector ``[B, ·]`` for all heads, or None.
            name: of the network.
        """
        super().__init__(name=name)
        self._make_head = head
        self._encoder = encoder
        self._heads: list[energy_network.EnergyNetwork] = []

    def build(self, input_shape):
        """Makes a head for each action dimension.

        Args:
            input_shape: of the pair (observation, actions).
        """
        _, actions = input_shape
        self._heads = [self._make_head() for _ in range(actions[-1])]
        super().build(input_shape)

    def encode(self, observation: Any, training: bool = False) -> tf.Tensor:
        """Returns the codes of all heads side by side, ``[B, A · C]``."""
        seen = self._see(observation, training)
        return tf.concat([head.encode(seen, training) for head in self._heads], axis=-1)

    def energy(self, code: tf.Tensor, actions: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Returns energies ``[B, N]`` of the last dimension given the ones before it.

        Args:
            code: ``[B, A · C]``.
            actions: prefixes of scaled actions, ``[B, N, j]``, j from 1 to A; j must be static.
            training: as Keras means it.

        Raises:
            ValueError: if the prefixes have no or more than A dimensions.
        """
        given = actions.shape[-1]
        if not given or given > len(self._heads):
            raise ValueError(
                f"A prefix has 1 to {len(self._heads)} dimensions, got actions {actions.shape}."
            )
        codes = tf.split(code, len(self._heads), axis=-1)
        return self._heads[given - 1].energy(codes[given - 1], actions, training)

    def call(self, inputs, step_type=None, network_state=(), training=False):
        """Scores every prefix of `inputs`, a pair (observation, actions).

        Args:
            inputs: (nest of ``[B, T, …]``, float32 ``[B, N, A]``).
            step_type: not used.
            network_state: passed through; the network keeps none.
            training: as Keras means it.

        Returns:
            (Σ_j E_j ``[B, N]``, network_state). The sum is the training objective's, no energy to
            compare actions by: each E_j is known only up to a function of the dimensions before it.
        """
        del step_type
        observation, actions = inputs
        seen = self._see(observation, training)
        energies = [
            head((seen, actions[..., : j + 1]), training=training)[0]
            for j, head in enumerate(self._heads)
        ]
        return tf.add_n(energies), network_state

    def _see(self, observation, training):
        """Returns what the heads see of the observation."""
        if self._encoder is None:
            return observation
        return self._encoder(observation, training=training)
