"""Samplers that run one after another."""

from __future__ import annotations

from collections.abc import Sequence as SequenceOf

import gin
import tensorflow as tf

from ibc_agents.core import errors, protocols, setting_checks, stateless_random


@gin.configurable
class Sequence(protocols.Sampler):
    """Runs samplers in turn; each begins where the previous one ended.

    The second Langevin run of the paper's policies on D4RL is
    `Sequence([Langevin(), Langevin(…)])`.

    Attributes:
        samplers: The samplers, in the order in which they run.
        searches_basins: Whether one of them needs an energy of basins.
        searches_prefixes: Whether they need an energy of prefixes.
    """

    def __init__(self, samplers: SequenceOf[protocols.Sampler]):
        """Sets the samplers.

        Args:
            samplers: At least one sampler.

        Raises:
            SettingError: If there is no sampler, one lacks its base class, or only some of them
                search prefixes.
        """
        setting_checks.check_instances("Sequence.samplers", samplers, protocols.Sampler)
        prefixes = {each.searches_prefixes for each in samplers}
        if len(prefixes) > 1:
            raise errors.SettingError(
                "Sequence.samplers cannot contain Autoregressive and other samplers, since they "
                "need different energies. Set Autoregressive.sampler to a Sequence instead."
            )
        self.samplers = tuple(samplers)
        (self.searches_prefixes,) = prefixes
        self.searches_basins = any(each.searches_basins for each in samplers)

    def __call__(
        self,
        energy_fn: protocols.EnergyFunction,
        initial_actions: tf.Tensor,
        bounds: protocols.Bounds,
        seed: tf.Tensor,
        trace: bool = False,
    ) -> protocols.SamplerResult:
        """Runs all samplers; see `ibc_agents.core.protocols.Sampler`. Traces are concatenated."""
        actions, results = initial_actions, []
        for k, sampler in enumerate(self.samplers):
            result = sampler(energy_fn, actions, bounds, stateless_random.fold_in(seed, k), trace)
            actions = result.actions
            results.append(result)
        if not trace:
            return result
        visited = tf.concat([result.trace for result in results], 0)
        return result._replace(trace=visited, parents=_join_parents(results))


def _join_parents(results: list[protocols.SamplerResult]) -> tf.Tensor | None:
    """Concatenates parents; the first actions of a run are the last ones of the previous run."""
    if any(result.parents is None for result in results):
        return None
    batch_size, n, _ = tf.unstack(tf.shape(results[0].actions))
    same = tf.broadcast_to(tf.range(n), [1, batch_size, n])
    joined = [part for result in results for part in (same, result.parents)]
    return tf.concat(joined[1:], 0)
