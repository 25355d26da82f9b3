"""An energy network that computes the energies of another one faster."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from ibc_agents.acceleration import blocks as blocks_lib
from ibc_agents.acceleration import dense_scorer, energy_function
from ibc_agents.core import protocols
from ibc_agents.networks.energy import dense_energy, energy_network


class AcceleratedEnergyNetwork(energy_network.EnergyNetwork):
    """Wraps an energy network, with equal variables and values.

    Energies of plain dense layers (`EnergyNetwork.dense_energy`) are computed by a `DenseScorer`,
    in blocks of rows. The wrapped network computes all others.
    """

    def __init__(
        self,
        network: energy_network.EnergyNetwork,
        blocks: blocks_lib.Blocks,
        product_dtype: tf.DType = tf.float32,
    ):
        """Wraps a network.

        Args:
            network: Network to wrap, whose variables must exist already.
            blocks: Sizes of blocks and shares.
            product_dtype: See `DenseScorer`; must be float32 for other energies.
        """
        super().__init__(name=f"Accelerated{network.name}")
        self._network = network
        self._row_blocks = blocks
        self._product_dtype = product_dtype
        self.scores_prefixes = network.scores_prefixes
        self.num_basins = network.num_basins
        self.built = network.built

    def encode(self, observation: Any, training: bool = False) -> tf.Tensor:
        """See the base class."""
        return self._network.encode(observation, training)

    def energy(self, code: tf.Tensor, actions: tf.Tensor, training: bool = False) -> tf.Tensor:
        """See the base class."""
        scorer = self._scorer(code, actions)
        if scorer is None:
            return self._network.energy(code, actions, training)
        return scorer.energy(actions)

    def energy_and_gradient(
        self, code: tf.Tensor, actions: tf.Tensor, training: bool = False
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """See the base class."""
        scorer = self._scorer(code, actions)
        if scorer is None:
            return self._network.energy_and_gradient(code, actions, training)
        return scorer.energy_and_gradient(actions)

    def basins(self, code: tf.Tensor, actions: tf.Tensor) -> tf.Tensor:
        """See the base class."""
        return self._network.basins(code, actions)

    def at(self, code: tf.Tensor) -> protocols.EnergyFunction:
        """See the base class."""
        return energy_function.AcceleratedEnergyFunction(
            self, code, self._row_blocks, self._network.at(code).basins
        )

    def dense_energy(self, code: tf.Tensor, num_dimensions: int) -> dense_energy.DenseEnergy | None:
        """See the base class."""
        return self._network.dense_energy(code, num_dimensions)

    def _scorer(self, code: tf.Tensor, actions: tf.Tensor) -> dense_scorer.DenseScorer | None:
        dense = self.dense_energy(code, actions.shape[-1])
        if dense is not None:
            return dense_scorer.DenseScorer(dense, self._product_dtype)
        if self._product_dtype != tf.float32:
            raise ValueError(
                f"Acceleration.product_dtype is {self._product_dtype.name}, but "
                f"{self._network.name} is not an MlpEnergyNetwork of plain dense layers (no "
                "dropout, layer normalization, spectral normalization or custom head). Leave it "
                "at float32."
            )
        return None
