"""One action dimension after another: coordinate descent on energies of prefixes."""

from __future__ import annotations

import gin
import tensorflow as tf

from ibc_agents.core import protocols, setting_checks, stateless_random
from ibc_agents.samplers import derivative_free


@gin.configurable
class Autoregressive(protocols.Sampler):
    """Minimizes energies of prefixes E_j(o, a_1 … a_j) dimension by dimension.

    For each dimension another sampler searches this dimension alone, given the values that were
    chosen for the preceding dimensions: those of the sample of lowest energy. A searches of one
    dimension replace one search of A dimensions, so the cost grows linearly with A.

    The energy function must accept prefixes ``[B, N, j]`` for every j from 1 to A
    (`networks.PrefixEnergyNetwork`).

    References:
        Florence et al., "Implicit Behavioral Cloning", 2021, Sec. 2 and Appendix B.
        https://arxiv.org/abs/2109.00137
    """

    searches_prefixes = True

    def __init__(self, sampler: protocols.Sampler | None = None):
        """Sets the sampler of one dimension.

        Args:
            sampler: Searches one dimension, by default `DerivativeFree()`. For traces it must
                return the parents of its samples, as every sampler of this package does.

        Raises:
            SettingError: If the sampler lacks its base class.
        """
        self._sampler = derivative_free.DerivativeFree() if sampler is None else sampler
        setting_checks.check_instance("Autoregressive.sampler", self._sampler, protocols.Sampler)

    def __call__(
        self,
        energy_fn: protocols.EnergyFunction,
        initial_actions: tf.Tensor,
        bounds: protocols.Bounds,
        seed: tf.Tensor,
        trace: bool = False,
    ) -> protocols.SamplerResult:
        """Runs the searches; see `ibc_agents.core.protocols.Sampler`.

        The returned samples differ in the last dimension only, and their energies are those of the
        last dimension given the preceding ones. In the trace, dimensions that are not searched yet
        have their initial values.
        """
        batch_size, n, _ = tf.unstack(tf.shape(initial_actions))
        chosen = initial_actions[..., :0]
        visited, parents = [], []
        for j in range(initial_actions.shape[-1]):

            def prefix_energy(values, chosen=chosen):
                return energy_fn(tf.concat([chosen, values], axis=-1))

            result = self._sampler(
                protocols.EnergyFunction(prefix_energy),
                initial_actions[..., j : j + 1],
                bounds.of_dimension(j),
                stateless_random.fold_in(seed, j),
                trace,
            )
            actions = tf.concat([chosen, result.actions], axis=-1)
            best = tf.argmin(result.energies, axis=1, output_type=tf.int32)
            if trace:
                visited.append(_whole_actions(chosen, result.trace, initial_actions[..., j + 1 :]))
                # All samples continue from the best one.
                parents += [result.parents, tf.broadcast_to(best[:, None], [1, batch_size, n])]
            chosen = tf.zeros_like(actions) + tf.gather(actions, best, batch_dims=1)[:, None]
        if not trace:
            return protocols.SamplerResult(actions, result.energies)
        return protocols.SamplerResult(
            actions, result.energies, tf.concat(visited, axis=0), tf.concat(parents[:-1], axis=0)
        )


def _whole_actions(chosen: tf.Tensor, values: tf.Tensor, rest: tf.Tensor) -> tf.Tensor:
    """Joins ``[B, N, j]``, ``[K, B, N, 1]`` and ``[B, N, A − j − 1]`` to ``[K, B, N, A]``."""
    every = tf.zeros_like(values)
    return tf.concat([chosen + every, values, rest + every], axis=-1)
