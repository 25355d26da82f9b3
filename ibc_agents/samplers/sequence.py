"""Samplers one after another."""

from __future__ import annotations

from collections.abc import Sequence as SequenceOf

import gin
import tensorflow as tf

from ibc_agents.core import protocols, stateless_random


@gin.configurable
class Sequence:
    """Runs samplers in turn, each from where the one before it ended.

    The paper's second Langevin run at inference is `Sequence([Langevin(), Langevin(…)])`.

    Attributes:
        searches_basins: whether one of them needs an energy of basins.
        searches_prefixes: whether they need an energy of prefixes.
    """

    def __init__(self, samplers: SequenceOf[protocols.Sampler]):
        """Sets the samplers.

        Raises:
            ValueError: if there are none, or some search prefixes and others do not.
        """
        if not samplers:
            raise ValueError("Sequence needs at least one sampler.")
        prefixes = {getattr(each, "searches_prefixes", False) for each in samplers}
        if len(prefixes) > 1:
            raise ValueError(
                "Sequence cannot run Autoregressive and others in turn, for their energies differ; "
                "let Autoregressive search each dimension by a Sequence."
            )
        self._samplers = tuple(samplers)
        (self.searches_prefixes,) = prefixes
        self.searches_basins = any(getattr(each, "searches_basins", False) for each in samplers)

    def __call__(
        self,
        energy_fn: protocols.EnergyFn,
        initial_actions: tf.Tensor,
        bounds: protocols.Bounds,
        seed: tf.Tensor,
        trace: bool = False,
    ) -> protocols.SamplerResult:
        """Runs all; see `ibc_agents.core.protocols.Sampler`. Traces are joined end to end."""
        actions, results = initial_actions, []
        for k, sampler in enumerate(self._samplers):
            result = sampler(energy_fn, actions, bounds, stateless_random.fold_in(seed, k), trace)
            actions = result.actions
            results.append(result)
        if not trace:
            return result
        visited = tf.concat([result.trace for result in results], 0)
        return result._replace(trace=visited, parents=_join_parents(results))


def _join_parents(results: list[protocols.SamplerResult]) -> tf.Tensor | None:
    """Joins them end to end: a run's first actions are the last ones of the run before."""
    if any(result.parents is None for result in results):
        return None
    batch_size, n, _ = tf.unstack(tf.shape(results[0].actions))
    same = tf.broadcast_to(tf.range(n), [1, batch_size, n])
    joined = [part for result in results for part in (same, result.parents)]
    return tf.concat(joined[1:], 0)
