"""What every energy network is: an encoder run once an observation, and a score for each action."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from tf_agents.networks import network

from ibc_agents.acceleration import energy_at


class EnergyNetwork(network.Network):
    """Energies of many actions at one observation; low is good.

    Subclasses implement `encode` and `energy`. No sampler ever runs the encoder again, and nothing
    repeats an observation N times.

    Attributes:
        scores_prefixes: whether `energy` takes prefixes ``[B, N, j]`` and scores their last
            dimension; only the autoregressive agent knows what to do with such energies.
        num_basins: of how many the energy is the minimum, which then has a method `basins`; None of
            any other energy.
    """

    scores_prefixes = False
    num_basins: int | None = None

    def __init__(self, name: str):
        """Creates the network.

        Args:
            name: of the network.
        """
        super().__init__(input_tensor_spec=None, state_spec=(), name=name)

    @abc.abstractmethod
    def encode(self, observation: Any, training: bool = False) -> tf.Tensor:
        """Returns the code ``[B, C]`` of normalised observations, a nest of ``[B, T, …]``."""

    @abc.abstractmethod
    def energy(self, code: tf.Tensor, actions: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Returns energies ``[B, N]`` of scaled `actions` ``[B, N, A]`` at `code` ``[B, C]``."""

    def energy_and_gradient(
        self, code: tf.Tensor, actions: tf.Tensor, training: bool = False
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns `energy` ``[B, N]`` and its gradient in the actions ``[B, N, A]``.

        By backpropagation; a network that knows a shorter way overrides it.
        """
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(actions)
            energies = self.energy(code, actions, training)
        return energies, tape.gradient(energies, actions)

    def basins(self, code: tf.Tensor, actions: tf.Tensor) -> tf.Tensor:
        """Returns how far each action is from the bottom of one basin, ``[B, N]``.

        Action n of the N is seen by basin n mod K alone, K being the number of basins.

        Args:
            code: of observations, ``[B, C]``.
            actions: scaled, ``[B, N, A]``.

        Raises:
            NotImplementedError: where there are no basins.
        """
        raise NotImplementedError(f"{type(self).__name__} has no basins.")

    @property
    def rows_at_once(self) -> int | None:
        """How many actions, of all observations, are best scored at a time; None for any number.

        A network that says a number scores each row by itself, without random numbers or anything
        that a call with `training` moves.
        """
        return None

    @property
    def rows_of_a_core(self) -> int | None:
        """How many actions, of all observations, are worth a core's while to move by itself.

        None where one core alone sees to all. What is true of `rows_at_once` holds here.
        """
        return None

    @property
    def scoring_variables(self) -> Sequence[tf.Variable]:
        """The trainable variables that `energy` depends on at a given code."""
        return self.trainable_variables

    def at(self, code: tf.Tensor) -> energy_at.EnergyAt:
        """Returns the energy function at `code` ``[B, C]``, for samplers."""
        return energy_at.SplitEnergyAt(self, code)

    def call(self, inputs, step_type=None, network_state=(), training=False):
        """Scores `inputs`, a pair (observation, actions).

        Args:
            inputs: (nest of ``[B, T, …]``, float32 ``[B, N, A]``).
            step_type: not used.
            network_state: passed through; the network keeps none.
            training: as Keras means it.

        Returns:
            (energies float32 ``[B, N]``, network_state).
        """
        del step_type
        observation, actions = inputs
        return self.energy(self.encode(observation, training), actions, training), network_state
