"""Layers that compute in float32, whatever Keras' global settings are.

`tf.keras.mixed_precision.set_global_policy` and `tf.keras.backend.set_floatx` change the dtype of
every layer that does not name one. Samplers, losses and normalized observations are float32, and
energies need its 24 significant bits, so every layer of this library names float32. Lower precision
is a setting of single layers.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf


class Float32Layer(tf.keras.layers.Layer):
    """The base class of layers; Keras casts their floating-point inputs to float32."""

    def __init__(
        self, name: str | None = None, dtype: str | tf.keras.mixed_precision.Policy = "float32"
    ):
        """Creates the layer.

        Args:
            name: Name of the layer.
            dtype: Keras dtype policy of a layer whose precision is a setting.
        """
        super().__init__(name=name, dtype=dtype)


def dense(units: int, **kwargs: Any) -> tf.keras.layers.Dense:
    """Makes Keras' dense layer of float32.

    Args:
        units: Number of outputs, positive.
        **kwargs: Further arguments of the layer.
    """
    return tf.keras.layers.Dense(units, dtype="float32", **kwargs)
