"""The settings of acceleration, and the wrappers they make."""

from __future__ import annotations

from typing import Any

import gin
import tensorflow as tf

from ibc_agents.acceleration import blocks as blocks_lib
from ibc_agents.acceleration import energy_network as energy_network_lib
from ibc_agents.acceleration import sampler, score
from ibc_agents.core import protocols, setting_checks
from ibc_agents.networks.energy import energy_network


@gin.configurable
class Acceleration:
    """Makes energies and searches faster on a CPU.

    Each method takes a part of an agent and returns a part of the same type, with equal variables,
    and equal values up to the order of float32 sums. ``Acceleration.enabled = False`` returns every
    part unchanged and ignores the other settings.
    """

    def __init__(
        self,
        enabled: bool = True,
        blocks: bool | None = None,
        block_bytes: int = blocks_lib.BLOCK_BYTES,
        product_dtype: str = "float32",
    ):
        """Sets the acceleration.

        Args:
            enabled: Whether anything is accelerated.
            blocks: Whether rows are scored in blocks that fit into the cache; None selects by a
                measurement of this machine. See `choices`.
            block_bytes: Bytes of one layer's activations in a block, positive.
            product_dtype: "float32" or "bfloat16", of the factors of products between an energy's
                hidden layers. With bfloat16 the values differ by its precision, 8 bits; the energy
                must consist of plain dense layers.

        Raises:
            SettingError: If a setting has a wrong type or is out of range.
        """
        self._enabled = setting_checks.check_flag("Acceleration.enabled", enabled)
        if blocks is not None:
            setting_checks.check_flag("Acceleration.blocks", blocks)
        block_bytes = setting_checks.check_integer(
            "Acceleration.block_bytes", block_bytes, minimum=1
        )
        setting_checks.check_choice(
            "Acceleration.product_dtype", product_dtype, ("float32", "bfloat16")
        )
        self._blocks = blocks_lib.Blocks(blocks, block_bytes)
        self._product_dtype = tf.as_dtype(product_dtype)

    def network(self, network: energy_network.EnergyNetwork) -> energy_network.EnergyNetwork:
        """Returns a faster network with equal variables and energies."""
        if not self._enabled:
            return network
        return energy_network_lib.AcceleratedEnergyNetwork(
            network, self._blocks, self._product_dtype
        )

    def sampler(self, wrapped: protocols.Sampler) -> protocols.Sampler:
        """Returns a faster sampler with equal samples."""
        return sampler.accelerate(wrapped) if self._enabled else wrapped

    def score(self, wrapped: score.Score, network: energy_network.EnergyNetwork) -> score.Score:
        """Returns a faster score function of `network` with equal losses and gradients."""
        if not self._enabled:
            return wrapped
        return score.AcceleratedScore(wrapped, network, self._blocks)


def choices() -> dict[str, Any]:
    """Returns the choices that this process made by measurements, as JSON types.

    Returns:
        The choices by name: whether the fast way is taken, its measured speedup and the date, such
        as ``{"blocks": {"taken": True, "speedup": 1.4, "measured": "2026-11-29T22:31+00:00"}}``.
    """
    made = blocks_lib.CHOICE.made
    return {} if made is None else {"blocks": made.summary()}
