"""Samplers one after another."""

from __future__ import annotations

from collections.abc import Sequence as SequenceOf

import gin
import tensorflow as tf

from ibc_agents import random, types


@gin.configurable
class Sequence:
    """Runs samplers in turn, each from where the one before it ended.

    The paper's second Langevin run at inference is `Sequence([Langevin(), Langevin(…)])`.
    """

    def __init__(self, samplers: SequenceOf[types.Sampler]):
        """Sets the samplers.

        Raises:
            ValueError: if there are none.
        """
        if not samplers:
            raise ValueError("Sequence needs at least one sampler.")
        self._samplers = tuple(samplers)

    def __call__(
        self,
        energy_fn: types.EnergyFn,
        initial_actions: tf.Tensor,
        bounds: types.Bounds,
        seed: tf.Tensor,
        trace: bool = False,
    ) -> types.SamplerResult:
        """Runs all; see `ibc_agents.types.Sampler`. Traces are joined end to end."""
        actions, visited = initial_actions, []
        for k, sampler in enumerate(self._samplers):
            result = sampler(energy_fn, actions, bounds, random.fold_in(seed, k), trace)
            actions = result.actions
            visited.append(result.trace)
        return result._replace(trace=tf.concat(visited, 0) if trace else None)
