"""Mixture-density network: a mixture of Gaussians for each window."""

from __future__ import annotations

from typing import Any, NamedTuple

import gin
import tensorflow as tf
from tf_agents.networks import network

from ibc_agents.core import setting_checks
from ibc_agents.networks.layers import float32_layers


class MixtureParameters(NamedTuple):
    """Mixtures of K Gaussians with diagonal covariance over scaled actions, one per batch row.

    Attributes:
        logits: Float32 ``[B, K]``, unnormalized log weights.
        means: Float32 ``[B, K, A]``.
        stddevs: Float32 ``[B, K, A]``, positive.
    """

    logits: tf.Tensor
    means: tf.Tensor
    stddevs: tf.Tensor


@gin.configurable(denylist=["action_size"])
class MixtureDensityNetwork(network.Network):
    """An encoder and a linear layer: from the observation window to a mixture density.

    If actions repeat exactly, the likelihood has no maximum: it grows without bound as a component
    narrows around them. Standard deviations are therefore softplus(·) + `min_stddev`. This bounds
    the density and, unlike clipping, leaves a narrow component the gradient that can widen it. The
    floor does not limit the accuracy of a mean but its weight in the loss: the gradients of means
    grow with 1/σ², and large ones delay learning which component to choose.

    The initial means are spread over [−1, 1] in every dimension, for any observation.
    Components with equal initial means would get equal gradients and remain equal, and those far
    from all data would get no gradient.

    References:
        Bishop, "Mixture Density Networks", 1994.
        https://publications.aston.ac.uk/id/eprint/373/
    """

    def __init__(
        self,
        action_size: int,
        encoder: tf.keras.layers.Layer,
        num_components: int = 26,
        min_stddev: float = 0.05,
        name: str = "MixtureDensityNetwork",
    ):
        """Creates the network; variables come with the first call.

        Args:
            action_size: A, positive.
            encoder: Maps the observation window, or its code, to a vector ``[B, ·]``.
            num_components: K, positive; 26 in the paper.
            min_stddev: The smallest standard deviation, positive; scaled actions lie in [−1, 1].
            name: Name of the network.

        Raises:
            SettingError: If a number is out of range, or the encoder is no layer.
        """
        owner = "MixtureDensityNetwork"
        num_components = setting_checks.check_integer(
            f"{owner}.num_components", num_components, minimum=1
        )
        setting_checks.check_instance(f"{owner}.encoder", encoder, tf.keras.layers.Layer)
        setting_checks.check_name(f"{owner}.name", name)
        super().__init__(input_tensor_spec=None, state_spec=(), name=name)
        self._encoder = encoder
        self._min_stddev = setting_checks.check_number(
            f"{owner}.min_stddev", min_stddev, setting_checks.POSITIVE
        )
        vectors = num_components * action_size
        self._logits = _linear(num_components)
        self._means = _linear(vectors, LatinHypercube(num_components, action_size))
        self._widths = _linear(vectors)
        self._components_shape = [num_components, action_size]

    def call(self, observation, step_type=None, network_state=(), training=False):
        """Maps normalized observations, a nest of ``[B, T, …]``, to `MixtureParameters`.

        Args:
            observation: The window.
            step_type: Not used.
            network_state: Returned unchanged; the network has no state.
            training: As in Keras.

        Returns:
            (parameters, network_state).
        """
        del step_type
        code = self._encoder(observation, training=training)
        shape = [-1, *self._components_shape]
        widths = tf.reshape(self._widths(code), shape)
        parameters = MixtureParameters(
            logits=self._logits(code),
            means=tf.reshape(self._means(code), shape),
            stddevs=tf.math.softplus(widths) + self._min_stddev,
        )
        return parameters, network_state


class LatinHypercube(tf.keras.initializers.Initializer):
    """Points in [−1, 1]^A, flattened: a Latin hypercube sample (McKay et al. 1979).

    In every dimension the K coordinates are evenly spaced, in a random order, so K points cover
    each dimension equally well for any A.
    """

    def __init__(self, num_points: int, dimension: int):
        """Creates the initializer.

        Args:
            num_points: K, positive.
            dimension: A, positive.
        """
        self._num_points = num_points
        self._dimension = dimension

    def __call__(self, shape, dtype=None, **kwargs):
        """Returns ``[K · A]``, point by point; the order depends on TensorFlow's global seed."""
        order = tf.argsort(tf.random.uniform([self._num_points, self._dimension]), axis=0)
        centers = (2.0 * tf.cast(order, dtype or tf.float32) + 1.0) / self._num_points - 1.0
        return tf.reshape(centers, shape)


def _linear(size: int, bias_initializer: Any = "zeros") -> tf.keras.layers.Layer:
    # With weights this small the initial outputs are the biases, for any width of the encoder.
    small = tf.keras.initializers.VarianceScaling(0.01, "fan_in")
    return float32_layers.dense(size, kernel_initializer=small, bias_initializer=bias_initializer)
