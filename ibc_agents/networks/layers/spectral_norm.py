"""Spectral normalisation of dense layers (Miyato et al. 2018; the paper's D4RL energies)."""

from __future__ import annotations

import gin
import tensorflow as tf

from ibc_agents.networks.layers import layer_state

# Iterations before training; the estimate then follows the kernel with one or so a step.
_FIRST_ITERATIONS = 30


@gin.configurable(allowlist=["num_iterations"])
class SpectralNormDense(tf.keras.layers.Dense):
    """A dense layer whose kernel is divided by its largest singular value: y = x W/σ(W) + b.

    σ is estimated by power iteration on a vector u, a non-trainable variable that is in
    checkpoints and SavedModels. Only calls with `training` move u; a Langevin chain may call the
    layer as often as it likes. Gradients flow through σ = vᵀWu with u and v held fixed.

    Keras' own `SpectralNormalization` writes the divided kernel back to the trainable variable in
    the forward pass. That is why it is not used: replicas may not write to a mirrored weight
    there, and a training step that is skipped because a number is not finite must leave the weights
    as they were. Here the trainable kernel belongs to the optimiser alone.
    """

    def __init__(self, units: int, num_iterations: int = 1, **kwargs):
        """Creates the layer.

        Args:
            units: outputs, positive.
            num_iterations: of the power method at each call with `training`, at least 1.
            **kwargs: of Keras' dense layer.

        Raises:
            ValueError: if there is no iteration.
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
    """Turns `u` ``[out]`` towards the first right singular vector of `kernel` ``[in, out]``."""
    kernel = tf.stop_gradient(kernel)
    for _ in range(num_iterations):
        image = _unit(tf.linalg.matvec(kernel, u))
        turned = tf.linalg.matvec(kernel, image, transpose_a=True)
        # A kernel of zeros turns nothing; without its direction u would stay 0 for ever.
        u = tf.where(tf.reduce_any(turned != 0), _unit(turned), u)
    return u


def _singular_value(kernel: tf.Tensor, u: tf.Tensor) -> tf.Tensor:
    """Returns vᵀWu, scalar, with v the direction of Wu; never 0."""
    image = tf.linalg.matvec(kernel, tf.stop_gradient(u))
    return tf.maximum(tf.reduce_sum(tf.stop_gradient(_unit(image)) * image), 1e-12)


def _unit(vector: tf.Tensor) -> tf.Tensor:
    return tf.math.l2_normalize(vector, epsilon=1e-24)
