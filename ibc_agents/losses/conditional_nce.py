"""Conditional noise-contrastive estimation around the demonstration."""

from __future__ import annotations

import gin
import tensorflow as tf

from ibc_agents.core import noise_scales, setting_checks, stateless_random
from ibc_agents.losses import shapes


@gin.configurable
class ConditionalNCE:
    """weight · mean_j log(1 + exp(E⁺ − E_j)), E_j at the demonstration plus noise of many scales.

    In many dimensions no uniform counter-example comes near the demonstration, and Langevin chains
    end where the energy is already low. Noise around the demonstration fills this gap: small noise
    locates the minimum precisely, and large noise shapes the slope toward it. Standard deviations
    are log-uniform.

    The noise is symmetric (it leads from a to b as often as from b to a), so the energy of p(a|o)
    minimizes the loss for noise of any scale. The loss does not compare modes that lie further
    apart than the noise reaches; the agent's own loss does.

    Neighbors may lie outside of the bounds, since cutting them off would break the symmetry.

    References:
        Ceylan and Gutmann, "Conditional Noise-Contrastive Estimation of Unnormalized Models", 2018.
        https://arxiv.org/abs/1806.03664

    Examples:
        >>> loss = ConditionalNCE(num_neighbors=3)
        >>> loss.neighbors(tf.zeros([5, 2]), seed=tf.constant([1, 2])).shape
        TensorShape([5, 3, 2])
        >>> loss(tf.zeros([1]), tf.zeros([1, 3])).numpy().round(3)
        array([0.693], dtype=float32)
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
            min_stddev: Smallest standard deviation of the noise, positive, in scaled action units.
                The minimum is not located more precisely than this.
            max_stddev: Largest standard deviation, at least `min_stddev`; 1 is half the range of
                the data.
            weight: Factor of this loss beside the agent's, positive.

        Raises:
            SettingError: If a setting is out of range.
        """
        self._num_neighbors = setting_checks.check_integer(
            "ConditionalNCE.num_neighbors", num_neighbors, minimum=1
        )
        self._scales = noise_scales.NoiseScales("ConditionalNCE", min_stddev, max_stddev)
        self._weight = setting_checks.check_number(
            "ConditionalNCE.weight", weight, setting_checks.POSITIVE
        )

    def neighbors(self, demonstration: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Draws actions around the demonstrated ones.

        Args:
            demonstration: Scaled actions ``[B, A]``.
            seed: Int32 ``[2]`` or ``[B, 2]``.

        Returns:
            Float32 ``[B, N, A]``.
        """
        batch_size, size = tf.shape(demonstration)[0], demonstration.shape[-1]
        scale_seed = stateless_random.fold_in(seed, 0)
        stddev = self._scales.draw(scale_seed, batch_size, [self._num_neighbors, 1])
        noise = stateless_random.normal(
            stateless_random.fold_in(seed, 1), batch_size, [self._num_neighbors, size]
        )
        return demonstration[:, None] + stddev * noise

    def __call__(self, demonstration_energy: tf.Tensor, neighbor_energies: tf.Tensor) -> tf.Tensor:
        """Returns the loss, float32 ``[B]``, of energies ``[B]`` and ``[B, N]``.

        Raises:
            ValueError: If the shapes are not ``[B]`` and ``[B, N]``.
        """
        shapes.check_energies(self, demonstration_energy, neighbor_energies)
        closer = tf.nn.softplus(demonstration_energy[:, None] - neighbor_energies)
        return self._weight * tf.reduce_mean(closer, axis=1)
