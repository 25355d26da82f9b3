"""Spectral normalization of dense layers, as in the paper's D4RL energies."""

from __future__ import annotations

from typing import Any

import gin
import tensorflow as tf

from ibc_agents.core import setting_checks
from ibc_agents.networks.layers import initializers, layer_state

# Iterations before training; about one per step then follows the changes of the kernel.
_FIRST_ITERATIONS = 30


@gin.configurable(allowlist=["num_iterations", "kernel_initializer", "bias_initializer"])
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

    def __init__(
        self,
        units: int,
        num_iterations: int = 1,
        kernel_initializer: str | dict[str, Any] = "glorot_uniform",
        bias_initializer: str | dict[str, Any] = "zeros",
        **kwargs,
    ):
        """Creates the layer.

        Args:
            units: Outputs, positive.
            num_iterations: Power iterations at each call with `training`, at least 1.
            kernel_initializer: Name or configuration of a Keras initializer.
            bias_initializer: Name or configuration of a Keras initializer.
            **kwargs: Further arguments of Keras' dense layer.

        Raises:
            SettingError: If there is no iteration, or no such initializer.
        """
        check = initializers.check_initializer
        super().__init__(
            units,
            kernel_initializer=check("SpectralNormDense.kernel_initializer", kernel_initializer),
            bias_initializer=check("SpectralNormDense.bias_initializer", bias_initializer),
            **{"dtype": "float32", **kwargs},
        )
        self._num_iterations = setting_checks.check_integer(
            "SpectralNormDense.num_iterations", num_iterations, minimum=1
        )
        self._stack = _Stack(self)

    def second_input(self) -> SpectralNormDense:
        """Returns the layer of a second input, which has no bias and whose outputs are added.

        With x₁ and x₂ the inputs of the two layers, the sum of their outputs is that of one layer
        with the input [x₁, x₂]: both kernels are divided by the largest singular value of the
        kernel [W₁; W₂]. Calls of this first layer with `training` update u.
        """
        second = SpectralNormDense(
            self.units,
            self._num_iterations,
            kernel_initializer=tf.keras.initializers.serialize(self.kernel_initializer),
            use_bias=False,
        )
        second._stack = self._stack
        self._stack.layers.append(second)
        return second

    def build(self, input_shape):
        """Creates kernel, bias and, in the first layer of a stack, u, float32 ``[units]``."""
        super().build(input_shape)
        if self._is_first:
            self._u = layer_state.add_state(
                self, "u", [self.units], self.kernel.dtype, self._first_vector
            )
        else:
            with tf.init_scope():
                self._stack.u.assign(self._first_vector())

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Maps ``[…, in]`` to ``[…, units]``."""
        kernel = self._stack.kernel()
        u = tf.convert_to_tensor(self._stack.u)
        if training and self._is_first:
            u = _iterate(kernel, u, self._num_iterations)
            self._u.assign(u)
        outputs = tf.tensordot(inputs, self.kernel / _singular_value(kernel, u), axes=1)
        if self.use_bias:
            outputs = tf.nn.bias_add(outputs, self.bias)
        return outputs if self.activation is None else self.activation(outputs)

    @property
    def _is_first(self) -> bool:
        return self._stack.layers[0] is self

    def _first_vector(self) -> tf.Tensor:
        start = tf.random.normal([self.units], dtype=self.kernel.dtype)
        return _iterate(self._stack.kernel(), start, _FIRST_ITERATIONS)


class _Stack:
    """Layers that are normalized together. The first one owns u.

    This is a plain object, so that Keras does not track a layer as a part of itself.
    """

    def __init__(self, first: SpectralNormDense):
        self.layers = [first]

    @property
    def u(self) -> tf.Variable:
        return self.layers[0]._u

    def kernel(self) -> tf.Tensor:
        """Returns the kernels of the layers that are built, one below the other, ``[in, out]``."""
        kernels = [layer.kernel for layer in self.layers if layer.built]
        return kernels[0] if len(kernels) == 1 else tf.concat(kernels, axis=0)


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
