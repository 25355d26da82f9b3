"""A separate search of every basin of an energy."""

from __future__ import annotations

import gin
import tensorflow as tf

from ibc_agents.core import protocols, setting_checks


@gin.configurable
class EachBasin(protocols.Sampler):
    """Moves sample n of N to the bottom of basin n mod K, K being the number of basins.

    An energy that is the minimum of basins (`networks.SoftMinimum`) also has minima at the bottoms
    of poor basins, where most descents in many dimensions end. A single basin has one minimum, so
    one sample for each basin finds all of them. The energies of the result are those of the whole
    energy and rank the basins. A short descent on the whole energy may follow:
    `Sequence([EachBasin(Langevin()), Langevin(…)])`.
    """

    searches_basins = True

    def __init__(self, sampler: protocols.Sampler):
        """Sets the search.

        Args:
            sampler: A sampler that moves every sample independently, as `Langevin` does. One that
                resamples, as `DerivativeFree` does, would mix the basins.

        Raises:
            SettingError: If the sampler lacks its base class.
        """
        setting_checks.check_instance("EachBasin.sampler", sampler, protocols.Sampler)
        self._sampler = sampler

    def __call__(
        self,
        energy_fn: protocols.EnergyFunction,
        initial_actions: tf.Tensor,
        bounds: protocols.Bounds,
        seed: tf.Tensor,
        trace: bool = False,
    ) -> protocols.SamplerResult:
        """Searches every basin; see `ibc_agents.core.protocols.Sampler`.

        Raises:
            ValueError: If the energy has no basins.
        """
        if energy_fn.basins is None:
            raise ValueError(
                "EachBasin needs an energy of several basins, as with "
                "MlpEnergyNetwork.head = @SoftMinimum()."
            )
        result = self._sampler(energy_fn.basins, initial_actions, bounds, seed, trace)
        return result._replace(energies=energy_fn(result.actions))
