"""Which numbers convolutions take: float32, or bfloat16 where the machine is faster with them."""

from __future__ import annotations

import functools
import time

import gin
import tensorflow as tf

# Below it the noise of the measurement could decide, and a resumed run decide otherwise.
_WORTHWHILE_SPEEDUP = 1.3
_SHAPE = (2, 45, 60, 32)
_REPETITIONS = 3


@gin.configurable
class FasterPrecision(tf.keras.mixed_precision.Policy):
    """Mixed bfloat16 where this machine convolves clearly faster so, float32 elsewhere.

    It is the `dtype` of an image layer, as "float32" (the default) and "mixed_bfloat16" are, which
    decide without a measurement: ``ConvStrided.dtype = @FasterPrecision()``. The weights stay
    float32, and so do the layers behind, whose own `dtype` is float32.
    """

    def __init__(self):
        """Decides by a measurement, made once a process."""
        faster = bfloat16_speedup() > _WORTHWHILE_SPEEDUP
        super().__init__("mixed_bfloat16" if faster else "float32")


@functools.cache
def bfloat16_speedup() -> float:
    """Returns how many times faster a convolution's forward and backward pass is in bfloat16.

    Measured, for processors list instructions that may be slow or not reach the program.
    """
    return _seconds(tf.float32) / _seconds(tf.bfloat16)


def _seconds(dtype: tf.DType) -> float:
    """Returns the shortest time of a few passes."""
    image = tf.ones(_SHAPE, dtype)
    kernel = tf.ones([3, 3, _SHAPE[-1], _SHAPE[-1]], dtype)

    @functools.partial(tf.function, autograph=False)
    def passes():
        with tf.GradientTape() as tape:
            tape.watch([image, kernel])
            loss = tf.reduce_sum(tf.nn.conv2d(image, kernel, 1, "SAME"))
        return tape.gradient(loss, [image, kernel])

    def timed() -> float:
        started = time.perf_counter()
        for gradient in passes():
            gradient.numpy()
        return time.perf_counter() - started

    timed()  # traces
    return min(timed() for _ in range(_REPETITIONS))
