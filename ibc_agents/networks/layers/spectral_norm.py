"""Spectral normalization of dense layers, as in the paper's D4RL energies."""

from __future__ import annotations

import gin
import tensorflow as tf

from ibc_agents.networks.layers import layer_state

# Iterations before training; about one per step then follows the changes of the kernel.
_FIRST_ITERATIONS = 30


@gin.configurable(allowlist=["num_iterations"])
class SpectralNormDense(tf.keras.layers.Dense):
    """A dense layer whose kernel is divided by its largest singular value: y = x W/σ(W) + b.

    σ is estimated by power iteration on a vector u, a non-trainable variable that is part of
    checkpoints and SavedModels. Only calls with `training` change u, so a Langevin chain may call
    the layer any number of times. Gradients flow through σ = vᵀWu with u and v held fixed.

    Keras' `SpectralNormalization` writes the divided kernel to the trainable variable in the
    forward pass. Replicas may not write to a mirrored weight there, and a training step that is
    skipped must leave the weights unchanged. Here only the optimizer writes the kernel.

    References:
        Miyato et al., "Spectral Normalization for Generative Adversarial Networks", 2018.
        https://arxiv.org/abs/1802.05957
    """

    def __init__(self, units: int, num_iterations: int = 1, **kwargs):
        """Creates the layer.

        Args:
            units: Outputs, positive.
            num_iterations: Power iterations at each call with `training`, at least 1.
            **kwargs: Arguments of Keras' dense layer.

        Raises:
            ValueError: If there is no iteration.
        """
        super().__init__(units, **kwargs)
        if num_iterations < 1:
            raise ValueError(f"num_iterations must be at least 1, got {num_iterations}.")
        self._num_iterations = num_iterations

    def build(self, input_shape):
        """Creates kernel, bias and u, float32 ``[units]``."""
        super().build(input_shape)
        self._u = layer_state.add_state(
            self, "u", [self.units], self.kernel.dtype, self._first_vector
        )

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Maps ``[…, in]`` to ``[…, units]``."""
        u = tf.convert_to_tensor(self._u)
        if training:
            u = _iterate(self.kernel, u, self._num_iterations)
            self._u.assign(u)
        outputs = tf.tensordot(inputs, self.kernel / _singular_value(self.kernel, u), axes=1)
        if self.use_bias:
            outputs = tf.nn.bias_add(outputs, self.bias)
        return outputs if self.activation is None else self.activation(outputs)

    def _first_vector(self) -> tf.Tensor:
        start = tf.random.normal([self.units], dtype=self.kernel.dtype)
        return _iterate(self.kernel, start, _FIRST_ITERATIONS)


def _iterate(kernel: tf.Tensor, u: tf.Tensor, num_iterations: int) -> tf.Tensor:
    """Turns `u` ``[out]`` toward the first right singular vector of `kernel` ``[in, out]``."""
    kernel = tf.stop_gradient(kernel)
    for _ in range(num_iterations):
        image = _unit(tf.linalg.matvec(kernel, u))
        turned = tf.linalg.matvec(kernel, image, transpose_a=True)
        # A kernel of zeros has no direction; u is unchanged, because it could not leave 0 again.
        u = tf.where(tf.reduce_any(turned != 0), _unit(turned), u)
    return u


def _singular_value(kernel: tf.Tensor, u: tf.Tensor) -> tf.Tensor:
    """Returns vᵀWu, scalar, with v the direction of Wu; never 0."""
    image = tf.linalg.matvec(kernel, tf.stop_gradient(u))
    return tf.maximum(tf.reduce_sum(tf.stop_gradient(_unit(image)) * image), 1e-12)


def _unit(vector: tf.Tensor) -> tf.Tensor:
    return tf.math.l2_normalize(vector, epsilon=1e-24)
