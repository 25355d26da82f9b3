"""What every energy network is: an encoder run once an observation, and a score for each action."""

from __future__ import annotations

import abc
import functools
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf
from tf_agents.networks import network

from ibc_agents import machine, types


class EnergyAt:
    """The energy at fixed observations; an `ibc_agents.types.DifferentiableEnergyFn`.

    Many actions are scored block by block, if the network says so.

    Attributes:
        basins: see `ibc_agents.types.BasinEnergyFn`; None where the energy has none.
    """

    def __init__(self, network: EnergyNetwork, code: tf.Tensor, num_cores: int):
        """Holds a network and the code of observations ``[B, C]``.

        Args:
            network: the energy.
            code: of the observations.
            num_cores: at most so many blocks go at once.
        """
        self._network = network
        self._code = code
        self._num_cores = num_cores
        self.basins = functools.partial(network.basins, code) if network.has_basins else None

    def __call__(self, actions: tf.Tensor) -> tf.Tensor:
        """Maps actions ``[B, N, A]`` to energies ``[B, N]``."""
        return self._in_blocks(
            lambda block: self._network.energy(self._code, block), actions, actions.shape[:2]
        )

    def gradient(self, actions: tf.Tensor) -> tf.Tensor:
        """Maps actions to the gradient there, ``[B, N, A]`` both."""
        return self._in_blocks(
            lambda block: self._network.energy_and_gradient(self._code, block)[1],
            actions,
            actions.shape,
        )

    def move(self, function: types.Move, actions: tf.Tensor, *others: tf.Tensor) -> tf.Tensor:
        """See `ibc_agents.types.DifferentiableEnergyFn`; each core moves its share of the samples.

        Shares are not blocks of a loop: in a loop, whatever reads variables and is a loop itself
        has to end before the next one begins.
        """
        num_shares = self._num_shares(actions)
        if num_shares == 1:
            return function(self, actions, *others)
        moved = []
        by_observations = actions.shape[0] > actions.shape[1]
        axis = 0 if by_observations else 1
        size = -(-actions.shape[axis] // num_shares)
        for k in range(0, actions.shape[axis], size):
            share = (slice(None),) * axis + (slice(k, k + size),)
            code = self._code[share] if by_observations else self._code
            own_energy_fn = EnergyAt(self._network, code, num_cores=1)
            moved.append(function(own_energy_fn, *(rows[share] for rows in (actions, *others))))
        return tf.concat(moved, axis)

    def _in_blocks(
        self,
        function: Callable[[tf.Tensor], tf.Tensor],
        actions: tf.Tensor,
        shape: tf.TensorShape,
    ) -> tf.Tensor:
        """Returns `function` of `actions`, of `shape` ``[B, N, …]``, some of the N at a time."""
        size = self._block_size(actions)
        if size is None:
            return function(actions)
        num_blocks = -(-tf.shape(actions)[1] // size)

        def score(k, scored):
            values = function(actions[:, k * size : (k + 1) * size])
            return k + 1, scored.write(k, _swap(values))

        # Swapped, for arrays of tensors are joined along their first dimension.
        scored = tf.TensorArray(
            tf.float32, num_blocks, infer_shape=False, element_shape=[None, shape[0], *shape[2:]]
        )
        _, scored = tf.while_loop(
            lambda k, _: k < num_blocks, score, (0, scored), parallel_iterations=self._num_cores
        )
        return tf.ensure_shape(_swap(scored.concat()), shape)

    def _block_size(self, actions: tf.Tensor) -> int | tf.Tensor | None:
        """Returns how many of the N actions are scored at a time; None for all of them.

        Where the shape is known, all blocks are about alike.
        """
        rows = self._network.rows_at_once
        if rows is None:
            return None
        batch_size, n = actions.shape[:2]
        if batch_size is None or n is None:
            return tf.maximum(1, rows // tf.shape(actions)[0])
        num_blocks = min(n, -(-batch_size * n // rows))
        return -(-n // num_blocks) if num_blocks > 1 else None

    def _num_shares(self, actions: tf.Tensor) -> int:
        """Returns among how many cores it is worth while to share actions of known shape."""
        rows = self._network.rows_of_a_core
        batch_size, n = actions.shape[:2]
        if rows is None or batch_size is None or n is None:
            return 1
        return max(1, min(self._num_cores, max(batch_size, n), batch_size * n // rows))


def _swap(values: tf.Tensor) -> tf.Tensor:
    """Exchanges the first two dimensions."""
    return tf.einsum("bn...->nb...", values)


class EnergyNetwork(network.Network):
    """Energies of many actions at one observation; low is good.

    Subclasses implement `encode` and `energy`. No sampler ever runs the encoder again, and nothing
    repeats an observation N times.

    Attributes:
        scores_prefixes: whether `energy` takes prefixes ``[B, N, j]`` and scores their last
            dimension; only the autoregressive agent knows what to do with such energies.
        has_basins: whether the energy is a minimum of several, and there is a method `basins`.
    """

    scores_prefixes = False
    has_basins = False

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

    def at(self, code: tf.Tensor) -> EnergyAt:
        """Returns the energy function at `code` ``[B, C]``, for samplers."""
        return EnergyAt(self, code, machine.num_cores())

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
