"""A sampler that divides the chains of another sampler among cores."""

from __future__ import annotations

import tensorflow as tf

from ibc_agents import samplers
from ibc_agents.acceleration import energy_function
from ibc_agents.core import protocols


class AcceleratedSampler(protocols.Sampler):
    """Wraps `Langevin`, with equal samples.

    Each core runs its share of the chains to the end, if the energy function can be shared.
    """

    def __init__(self, sampler: samplers.Langevin):
        """Wraps a sampler.

        Args:
            sampler: Sampler to wrap.
        """
        self._sampler = sampler

    def __call__(
        self,
        energy_fn: protocols.EnergyFunction,
        initial_actions: tf.Tensor,
        bounds: protocols.Bounds,
        seed: tf.Tensor,
        trace: bool = False,
    ) -> protocols.SamplerResult:
        """Runs the chains; see `ibc_agents.core.protocols.Sampler`. A trace is not shared."""
        if trace or not isinstance(energy_fn, energy_function.AcceleratedEnergyFunction):
            return self._sampler(energy_fn, initial_actions, bounds, seed, trace)

        def chains(energy_fn, actions, noise):
            return self._sampler.run_chains(energy_fn, actions, noise, bounds)

        noise = self._sampler.draw_noise(initial_actions, seed)
        actions = energy_fn.run_in_shares(chains, initial_actions, noise)
        return protocols.SamplerResult(actions, energy_fn(actions))


def accelerate(sampler: protocols.Sampler) -> protocols.Sampler:
    """Returns a faster sampler with equal samples; only Langevin chains are accelerated.

    Chains inside `EachBasin` and `Autoregressive` run on energies that are not shared, so these
    samplers are unchanged too.
    """
    if type(sampler) is samplers.Langevin:
        return AcceleratedSampler(sampler)
    if type(sampler) is samplers.Sequence:
        return samplers.Sequence([accelerate(each) for each in sampler.samplers])
    return sampler
