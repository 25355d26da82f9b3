"""One action dimension after another (paper Sec. 2 b: coordinate descent)."""

from __future__ import annotations

import gin
import tensorflow as tf

from ibc_agents.core import protocols, stateless_random
from ibc_agents.samplers import derivative_free


@gin.configurable
class Autoregressive:
    """Minimises energies of prefixes E_j(o, a_1 … a_j) dimension by dimension.

    At each dimension another sampler searches this one dimension, with the dimensions before it
    held at what was chosen for them: the sample of lowest energy. So A searches of one dimension
    each take the place of one of A dimensions, and the cost grows linearly with A.

    The energy function must accept prefixes ``[B, N, j]`` for every j from 1 to A
    (`networks.PrefixEnergyNetwork`).

    Attributes:
        searches_prefixes: True; agents whose energies do not score prefixes refuse this sampler.
    """

    searches_prefixes = True

    def __init__(self, sampler: protocols.Sampler | None = None):
        """Sets the sampler that searches one dimension, by default `DerivativeFree()`.

        For traces it must tell the parents of its samples, as every sampler here does.
        """
        self._sampler = sampler or derivative_free.DerivativeFree()

    def __call__(
        self,
        energy_fn: protocols.EnergyFn,
        initial_actions: tf.Tensor,
        bounds: protocols.Bounds,
        seed: tf.Tensor,
        trace: bool = False,
    ) -> protocols.SamplerResult:
        """Runs the searches; see `ibc_agents.core.protocols.Sampler`.

        The samples returned differ in the last dimension only, and their energies are those of
        the last dimension given the ones before it. In the trace, dimensions that were not yet
        searched stand at their initial values.
        """
        batch_size, n, _ = tf.unstack(tf.shape(initial_actions))
        chosen = initial_actions[..., :0]
        visited, parents = [], []
        for j in range(initial_actions.shape[-1]):

            def prefix_energy(values, chosen=chosen):
                return energy_fn(tf.concat([chosen, values], axis=-1))

            result = self._sampler(
                prefix_energy,
                initial_actions[..., j : j + 1],
                bounds.of_dimension(j),
                stateless_random.fold_in(seed, j),
                trace,
            )
            actions = tf.concat([chosen, result.actions], axis=-1)
            best = tf.argmin(result.energies, axis=1, output_type=tf.int32)
            if trace:
                visited.append(_whole_actions(chosen, result.trace, initial_actions[..., j + 1 :]))
                # All samples go on from the best one.
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
