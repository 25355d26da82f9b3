"""Which numbers layers take: float32, or bfloat16 where the machine is faster with them."""

from __future__ import annotations

import functools
from collections.abc import Callable

import gin
import tensorflow as tf

from ibc_agents.acceleration import machine

# Below it the noise of the measurement could decide.
_WORTHWHILE_SPEEDUP = 1.3
_IMAGES = (2, 45, 60, 32)
_ROWS, _WIDTH = 2048, 256


class _MeasuredPrecision(tf.keras.mixed_precision.Policy):
    """Mixed bfloat16 where that is clearly faster, float32 elsewhere."""

    def __init__(self, speedup: float):
        super().__init__("mixed_bfloat16" if speedup > _WORTHWHILE_SPEEDUP else "float32")


@gin.configurable
class FasterPrecision(_MeasuredPrecision):
    """Mixed bfloat16 where this machine convolves clearly faster so, float32 elsewhere.

    It is the `dtype` of an image layer, as "float32" (the default) and "mixed_bfloat16" are, which
    decide without a measurement: ``ConvStrided.dtype = @FasterPrecision()``. The weights stay
    float32, and so do the layers behind, whose own `dtype` is float32.
    """

    def __init__(self):
        """Decides by a measurement, made once a machine."""
        super().__init__(bfloat16_speedup())


@gin.configurable
class FasterProductPrecision(_MeasuredPrecision):
    """The same for the dense layers of an energy: ``MlpEnergyNetwork.precision = …``.

    What is measured includes the casts around each product.
    """

    def __init__(self):
        """Decides by a measurement, made once a machine."""
        super().__init__(bfloat16_product_speedup())


def bfloat16_speedup() -> float:
    """Returns how many times faster a convolution's forward and backward pass is in bfloat16."""
    return machine.speedup("bfloat16_convolutions", *_CONVOLUTIONS)


def bfloat16_product_speedup() -> float:
    """Returns how many times faster a dense layer's forward and backward pass is in bfloat16."""
    return machine.speedup("bfloat16_products", *_PRODUCTS)


@tf.function(autograph=False)
def _convolution_gradients(dtype: str) -> list[tf.Tensor]:
    image = tf.ones(_IMAGES, dtype)
    kernel = tf.ones([3, 3, _IMAGES[-1], _IMAGES[-1]], dtype)
    with tf.GradientTape() as tape:
        tape.watch([image, kernel])
        loss = tf.reduce_sum(tf.nn.conv2d(image, kernel, 1, "SAME"))
    return tape.gradient(loss, [image, kernel])


@tf.function(autograph=False)
def _product_gradients(dtype: str) -> list[tf.Tensor]:
    rows, kernel = tf.ones([_ROWS, _WIDTH]), tf.eye(_WIDTH)
    with tf.GradientTape() as tape:
        tape.watch([rows, kernel])
        product = tf.matmul(tf.cast(tf.nn.relu(rows), dtype), tf.cast(kernel, dtype))
        loss = tf.reduce_sum(tf.cast(product, tf.float32))
    return tape.gradient(loss, [rows, kernel])


def _run(gradients: Callable[[str], list[tf.Tensor]], dtype: str) -> None:
    for gradient in gradients(dtype):
        gradient.numpy()


_CONVOLUTIONS, _PRODUCTS = (
    [functools.partial(_run, gradients, dtype) for dtype in ("float32", "bfloat16")]
    for gradients in (_convolution_gradients, _product_gradients)
)
