"""The mixture-density baseline's network (Bishop 1994): Gaussians and weights from a window."""

from __future__ import annotations

from typing import Any, NamedTuple

import gin
import tensorflow as tf
from tf_agents.networks import network


class MixtureParameters(NamedTuple):
    """Mixtures of K Gaussians with diagonal covariance over scaled actions, one a batch row.

    Attributes:
        logits: float32 ``[B, K]``, unnormalised log weights.
        means: float32 ``[B, K, A]``.
        stddevs: float32 ``[B, K, A]``, positive.
    """

    logits: tf.Tensor
    means: tf.Tensor
    stddevs: tf.Tensor


@gin.configurable(denylist=["action_size"])
class MixtureDensityNetwork(network.Network):
    """An encoder and a linear layer: from the observation window to a mixture density.

    Where actions repeat exactly the likelihood has no maximum: it grows without end as a component
    narrows around them. So standard deviations are softplus(·) + `min_stddev`, which bounds the
    density and, unlike a cut, leaves a narrow component the gradient that can widen it again. The
    floor does not limit how exactly a mean is hit, but how much that counts: the means' gradients
    grow with 1/σ², and beside large ones which component to choose is learned late.

    At first the components' means are spread over [−1, 1] in every dimension, whatever the
    observation. Components that begin alike get equal gradients and would stay one component; and
    those that begin far from all data get no share of it, hence none of the gradient.
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
            encoder: maps the observation window, or the code of one, to a vector ``[B, ·]``.
            num_components: K, positive; 26 is the paper's.
            min_stddev: the smallest standard deviation, positive; scaled actions lie in [−1, 1].
            name: of the network.

        Raises:
            ValueError: if a number is out of range.
        """
        if num_components < 1:
            raise ValueError(f"num_components must be at least 1, got {num_components}.")
        if min_stddev <= 0:
            raise ValueError(f"min_stddev must be positive, got {min_stddev}.")
        super().__init__(input_tensor_spec=None, state_spec=(), name=name)
        self._encoder = encoder
        self._min_stddev = min_stddev
        vectors = num_components * action_size
        self._logits = _linear(num_components)
        self._means = _linear(vectors, LatinHypercube(num_components, action_size))
        self._widths = _linear(vectors)
        self._components_shape = [num_components, action_size]

    def call(self, observation, step_type=None, network_state=(), training=False):
        """Maps normalised observations, a nest of ``[B, T, …]``, to `MixtureParameters`.

        Args:
            observation: the window.
            step_type: not used.
            network_state: passed through; the network keeps none.
            training: as Keras means it.

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

    In every dimension the K coordinates are evenly spaced, in an order of its own, so that K points
    cover each dimension equally well whatever A is.
    """

    def __init__(self, num_points: int, dimension: int):
        """Creates the initialiser.

        Args:
            num_points: K, positive.
            dimension: A, positive.
        """
        self._num_points = num_points
        self._dimension = dimension

    def __call__(self, shape, dtype=None, **kwargs):
        """Returns ``[K · A]``, point by point; TensorFlow's global seed decides the order."""
        order = tf.argsort(tf.random.uniform([self._num_points, self._dimension]), axis=0)
        centres = (2.0 * tf.cast(order, dtype or tf.float32) + 1.0) / self._num_points - 1.0
        return tf.reshape(centres, shape)


def _linear(size: int, bias_initializer: Any = "zeros") -> tf.keras.layers.Layer:
    # Weights this small leave the outputs to the biases at first, whatever the encoder's width.
    small = tf.keras.initializers.VarianceScaling(0.01, "fan_in")
    return tf.keras.layers.Dense(size, kernel_initializer=small, bias_initializer=bias_initializer)
