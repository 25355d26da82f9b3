"""Telling the demonstration from its neighbourhood: conditional NCE (Ceylan and Gutmann 2018)."""

from __future__ import annotations

import gin
import tensorflow as tf

from ibc_agents.core import noise_scales, stateless_random
from ibc_agents.losses import shapes


@gin.configurable
class Neighborhood:
    """weight · mean_j log(1 + exp(E⁺ − E_j)), E_j of the demonstration with noise of all sizes.

    In many dimensions no counter-example from afar comes near the demonstration, and chains end
    where the energy is low already. Here small noise teaches where exactly the minimum is, and
    large noise the way there; sizes are log-uniform. The noise leads from a to b as likely as from
    b to a, and for such noise of any size the energy of p(a|o) itself is the minimum. What it
    cannot teach is how two modes compare that lie apart: for that there is the agent's own loss.

    Neighbours may lie outside of the bounds: cutting them off would break the symmetry.
    """

    def __init__(
        self,
        num_neighbors: int = 8,
        min_stddev: float = 0.02,
        max_stddev: float = 1.0,
        weight: float = 1.0,
    ):
        """Sets the noise.

        Args:
            num_neighbors: N of each demonstration, at least 1.
            min_stddev: least standard deviation of the noise, positive, in scaled action units;
                much finer than this the minimum is not learned.
            max_stddev: greatest standard deviation, at least `min_stddev`; 1 is half the range of
                the data.
            weight: beside the agent's loss, positive.

        Raises:
            ValueError: if a number is out of range.
        """
        if num_neighbors < 1:
            raise ValueError(f"num_neighbors must be at least 1, got {num_neighbors}.")
        if weight <= 0:
            raise ValueError(f"weight must be positive, got {weight}.")
        self._num_neighbors = num_neighbors
        self._scales = noise_scales.NoiseScales(min_stddev, max_stddev)
        self._weight = weight

    def neighbors(self, demonstration: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Returns actions near the demonstrated ones ``[B, A]``: float32 ``[B, N, A]``.

        Args:
            demonstration: scaled actions.
            seed: int32 ``[2]`` or ``[B, 2]``.
        """
        batch_size, size = tf.shape(demonstration)[0], demonstration.shape[-1]
        scale_seed = stateless_random.fold_in(seed, 0)
        stddev = self._scales.draw(scale_seed, batch_size, [self._num_neighbors, 1])
        noise = stateless_random.normal(
            stateless_random.fold_in(seed, 1), batch_size, [self._num_neighbors, size]
        )
        return demonstration[:, None] + stddev * noise

    def __call__(self, demonstration_energy: tf.Tensor, neighbor_energies: tf.Tensor) -> tf.Tensor:
        """Returns the loss ``[B]`` from energies ``[B]`` and ``[B, N]``.

        Raises:
            ValueError: if the shapes are not these.
        """
        shapes.check_energies(self, demonstration_energy, neighbor_energies)
        closer = tf.nn.softplus(demonstration_energy[:, None] - neighbor_energies)
        return self._weight * tf.reduce_mean(closer, axis=1)
