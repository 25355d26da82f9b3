"""The base class of energy networks: an encoder run once per observation, a score per action."""

from __future__ import annotations

import abc
from typing import Any

import tensorflow as tf
from tf_agents.networks import network

from ibc_agents.core import protocols
from ibc_agents.networks.energy import dense_energy as dense_energy_lib


class EnergyNetwork(network.Network):
    """Scores many actions at one observation; low energy is good.

    Subclasses implement `encode` and `energy`. An observation is encoded once for any number of
    actions, and is never repeated N times.

    Attributes:
        scores_prefixes: Whether `energy` takes prefixes ``[B, N, j]``, j = 1 … A, and scores their
            last dimension. `AutoregressiveBCAgent` needs such an energy.
        num_basins: K if the energy is the minimum of K basins, which `basins` scores separately;
            None otherwise.
    """

    scores_prefixes: bool = False
    num_basins: int | None = None

    def __init__(self, name: str):
        """Creates the network.

        Args:
            name: Name of the network.
        """
        super().__init__(input_tensor_spec=None, state_spec=(), name=name)

    @abc.abstractmethod
    def encode(self, observation: Any, training: bool = False) -> tf.Tensor:
        """Returns the code ``[B, C]`` of normalized observations, a nest of ``[B, T, …]``."""

    @abc.abstractmethod
    def energy(self, code: tf.Tensor, actions: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Returns energies ``[B, N]`` of scaled `actions` ``[B, N, A]`` at `code` ``[B, C]``."""

    def energy_and_gradient(
        self, code: tf.Tensor, actions: tf.Tensor, training: bool = False
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns `energy` ``[B, N]`` and ∂E/∂a ``[B, N, A]``, by backpropagation."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(actions)
            energies = self.energy(code, actions, training)
        return energies, tape.gradient(energies, actions)

    def basins(self, code: tf.Tensor, actions: tf.Tensor) -> tf.Tensor:
        """Returns the square distance of each action from the bottom of one basin, ``[B, N]``.

        Action n of the N is scored by basin n mod K, K being `num_basins`.

        Args:
            code: ``[B, C]``.
            actions: Scaled actions ``[B, N, A]``.

        Raises:
            NotImplementedError: If the energy has no basins.
        """
        raise NotImplementedError(f"{type(self).__name__} has no basins.")

    def at(self, code: tf.Tensor) -> protocols.EnergyFunction:
        """Returns the energy function at `code` ``[B, C]``, for samplers."""
        basins = None
        if self.num_basins is not None:
            basins = protocols.EnergyFunction(lambda actions: self.basins(code, actions))
        return protocols.EnergyFunction(lambda actions: self.energy(code, actions), basins)

    def dense_energy(
        self, code: tf.Tensor, num_dimensions: int
    ) -> dense_energy_lib.DenseEnergy | None:
        """Describes the energy at `code` if plain dense layers compute it; None otherwise.

        Args:
            code: ``[B, C]``.
            num_dimensions: The last dimension of the actions or prefixes that are scored.
        """
        del code, num_dimensions
        return None

    def call(self, inputs, step_type=None, network_state=(), training=False):
        """Scores `inputs`, a pair (observation, actions).

        Args:
            inputs: (nest of ``[B, T, …]``, float32 ``[B, N, A]``).
            step_type: Not used.
            network_state: Returned unchanged; the network has no state.
            training: As in Keras.

        Returns:
            (energies float32 ``[B, N]``, network_state).
        """
        del step_type
        observation, actions = inputs
        return self.energy(self.encode(observation, training), actions, training), network_state
