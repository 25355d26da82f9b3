"""A learned proposal: counter-examples around a mixture density of the demonstrations."""

from __future__ import annotations

import math
from collections.abc import Callable

import gin
import tensorflow as tf

from ibc_agents.core import noise_scales, protocols, setting_checks, stateless_random

# Share of the components' weights that is uniform, so that every component is drawn from.
_UNIFORM_SHARE = 0.1


@gin.configurable
class Mixture(protocols.LearnedProposal):
    """Normal noise around the means of a mixture density that is trained with the energy.

    In many dimensions, uniform counter-examples rarely come near the demonstration and then give
    little gradient. Here a head on the energy network's code learns a mixture density of the
    demonstrations, and counter-examples are drawn around its means with one standard deviation per
    row: rows with a large one shape the energy far from the data, and rows with a small one locate
    the minimum. The density is known, so `RankingNCE` learns the energy of the demonstrations and
    not an energy relative to the proposal.

    A policy's search begins at the means and around them.

    Counter-examples may lie outside of the bounds, since clipping would change their density.
    """

    def __init__(
        self,
        network: Callable[[int], tf.keras.layers.Layer],
        min_stddev: float = 0.02,
        max_stddev: float = 1.0,
        loss_weight: float = 0.1,
    ):
        """Creates the proposal; `build` creates its variables.

        Args:
            network: Called with A, makes the network from codes ``[B, C]`` to the mixture's
                parameters, for example `MixtureDensityNetwork`.
            min_stddev: Smallest standard deviation of the noise, positive, in scaled action units.
            max_stddev: Largest standard deviation of the noise, at least `min_stddev`.
            loss_weight: Weight of the mixture's −log density in the loss, positive.

        Raises:
            SettingError: If a setting is out of range, or the network is no factory.
        """
        super().__init__(name="Mixture")
        setting_checks.check_factory("Mixture.network", network, tf.keras.layers.Layer)
        self._make_network = network
        self._scales = noise_scales.NoiseScales("Mixture", min_stddev, max_stddev)
        self._loss_weight = setting_checks.check_number(
            "Mixture.loss_weight", loss_weight, setting_checks.POSITIVE
        )

    def build(self, code: tf.Tensor, action_size: int) -> None:
        """See `ibc_agents.core.protocols.LearnedProposal`."""
        self._network = self._make_network(action_size)
        self._network(code)

    def loss(self, code: tf.Tensor, action: tf.Tensor, training: bool) -> tf.Tensor:
        """See `ibc_agents.core.protocols.LearnedProposal`."""
        parameters, _ = self._network(code, training=training)
        log_weights = tf.nn.log_softmax(parameters.logits)[:, None]
        log_density = _log_density(action[:, None], parameters.means, parameters.stddevs)
        return -self._loss_weight * tf.reduce_logsumexp(log_weights + log_density, axis=-1)[:, 0]

    def sample(
        self, code: tf.Tensor, n: int, bounds: protocols.Bounds, seed: tf.Tensor
    ) -> tf.Tensor:
        """See `ibc_agents.core.protocols.Proposal`."""
        del bounds
        parameters, _ = self._network(code)
        return self._around_means(parameters, n, self._row_stddevs(code, seed), seed)

    def log_prob(
        self, code: tf.Tensor, actions: tf.Tensor, bounds: protocols.Bounds, seed: tf.Tensor
    ) -> tf.Tensor:
        """See `ibc_agents.core.protocols.Proposal`."""
        del bounds
        parameters, _ = self._network(code)
        stddevs = tf.broadcast_to(self._row_stddevs(code, seed), tf.shape(parameters.means))
        log_density = _log_density(actions, parameters.means, stddevs)
        return tf.reduce_logsumexp(_log_weights(parameters)[:, None] + log_density, axis=-1)

    def first_actions(
        self, code: tf.Tensor, n: int, bounds: protocols.Bounds, seed: tf.Tensor
    ) -> tf.Tensor:
        """See `core.protocols.Proposal`: the means, then noise of all scales around them."""
        parameters, _ = self._network(code)
        stddevs = self._scales.draw(stateless_random.fold_in(seed, 0), tf.shape(code)[0], [n, 1])
        around = self._around_means(parameters, n, stddevs, seed)
        actions = tf.concat([parameters.means, around], axis=1)[:, :n]
        return tf.clip_by_value(actions, bounds.low, bounds.high)

    def _row_stddevs(self, code: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Returns standard deviations ``[B, 1, 1]``, equal in `sample` and `log_prob`."""
        return self._scales.draw(stateless_random.fold_in(seed, 0), tf.shape(code)[0], [1, 1])

    def _around_means(self, parameters, n, stddevs, seed):
        """Draws actions ``[B, n, A]`` with standard deviations ``[B, n or 1, 1]``."""
        batch_size, size = tf.shape(parameters.means)[0], parameters.means.shape[-1]
        draws = stateless_random.uniform(stateless_random.fold_in(seed, 1), batch_size, [n])
        sums = tf.cumsum(tf.exp(_log_weights(parameters)), axis=-1)
        # Rounding can put a draw at the very end of the sums.
        last = parameters.means.shape[1] - 1
        chosen = tf.minimum(tf.searchsorted(sums, draws, side="right"), last)
        noise = stateless_random.normal(stateless_random.fold_in(seed, 2), batch_size, [n, size])
        return tf.gather(parameters.means, chosen, batch_dims=1) + stddevs * noise


def _log_weights(parameters) -> tf.Tensor:
    """Returns the log weights of the components when sampling, ``[B, K]``."""
    weights = tf.nn.softmax(parameters.logits)
    return tf.math.log(
        (1 - _UNIFORM_SHARE) * weights + _UNIFORM_SHARE / parameters.logits.shape[-1]
    )


def _log_density(actions: tf.Tensor, means: tf.Tensor, stddevs: tf.Tensor) -> tf.Tensor:
    """Returns log densities ``[B, N, K]`` of components ``[B, K, A]`` at actions ``[B, N, A]``."""
    away = (actions[:, :, None] - means[:, None]) / stddevs[:, None]
    log_scale = tf.math.log(stddevs[:, None]) + 0.5 * math.log(2 * math.pi)
    return -tf.reduce_sum(0.5 * tf.square(away) + log_scale, axis=-1)
