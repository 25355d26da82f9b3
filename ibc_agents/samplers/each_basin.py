"""A search of every basin of an energy by itself."""

from __future__ import annotations

import gin
import tensorflow as tf

from ibc_agents.core import protocols


@gin.configurable
class EachBasin:
    """Moves sample n of N to the bottom of basin n mod K alone, K being the number of basins.

    An energy that is a minimum of basins has minima at the bottoms of bad ones too, and in many
    dimensions most descents end there. One basin alone has no other minimum near, so that a sample
    for each finds them all; the energies of what is found, which are the whole energy's, tell which
    is best. A short descent on the whole energy may follow:
    `Sequence([EachBasin(Langevin()), Langevin(…)])`.

    Attributes:
        searches_basins: which kind of energy network it needs.
    """

    searches_basins = True

    def __init__(self, sampler: protocols.Sampler):
        """Sets the search.

        Args:
            sampler: that moves every sample by itself, as `Langevin` does; one that replaces
                samples by others, as `DerivativeFree` does, would mix up basins.
        """
        self._sampler = sampler

    def __call__(
        self,
        energy_fn: protocols.BasinEnergyFn,
        initial_actions: tf.Tensor,
        bounds: protocols.Bounds,
        seed: tf.Tensor,
        trace: bool = False,
    ) -> protocols.SamplerResult:
        """Searches; see `ibc_agents.core.protocols.Sampler`.

        Raises:
            ValueError: if the energy has no basins.
        """
        basins = getattr(energy_fn, "basins", None)
        if basins is None:
            raise ValueError(
                "EachBasin needs an energy of several basins, as with "
                "MlpEnergyNetwork.head = @SoftMinimum()."
            )
        result = self._sampler(basins, initial_actions, bounds, seed, trace)
        return result._replace(energies=energy_fn(result.actions))
