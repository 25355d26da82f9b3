"""An exact search for the closest of many points."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from tensorflow_recommenders.layers import factorized_top_k


class NearestNeighborIndex(tf.Module):
    """M points and a value for each, in variables: they are checkpointed and exported.

    TensorFlow Recommenders finds the largest inner product. |q − x|² = |q|² − 2 (q·x − |x|²/2), so
    the closest point has the largest product of (q, 1) and (x, −|x|²/2). It is computed in float64,
    since the difference of large numbers would cancel in float32 and more so in a GPU's TF32. Of
    points at equal distances, up to float64's rounding, it may return any.

    The index needs M · (8 F + 4 A + 12) bytes, and about three times as much while it is filled.
    """

    def __init__(self):
        """Creates an empty index."""
        super().__init__(name="NearestNeighborIndex")
        self._search = factorized_top_k.BruteForce(k=1)
        self._values: tf.Variable | None = None

    def fill(self, points: Sequence[np.ndarray], values: Sequence[np.ndarray]) -> None:
        """Replaces the content of the index; functions compiled earlier keep the old content.

        Args:
            points: Float32, ``[m, F]`` each, M in all.
            values: Float32, ``[m, A]`` each, one for every point.

        Raises:
            ValueError: If there is no point.
        """
        if not sum(map(len, points)):
            raise ValueError("there is nothing to memorize: no window has an executed action.")
        matrix = np.concatenate(points, dtype=np.float64)
        half_norms = 0.5 * np.sum(np.square(matrix), axis=-1, keepdims=True)
        self._search.index(tf.constant(np.concatenate([matrix, -half_norms], axis=-1)))
        self._values = tf.Variable(np.concatenate(values), trainable=False, name="values")

    def __call__(self, queries: tf.Tensor) -> tf.Tensor:
        """Returns the value of the closest point.

        Args:
            queries: Float32 ``[B, F]``.

        Returns:
            ``[B, A]``.

        Raises:
            ValueError: If the index is empty.
        """
        if self._values is None:
            raise ValueError(
                "Nothing is memorized: give the demonstrations to NearestNeighborAgent.memorize "
                "before the agent trains or its policy acts."
            )
        extended = tf.pad(tf.cast(queries, tf.float64), [[0, 0], [0, 1]], constant_values=1.0)
        # `call` itself, since Keras' `__call__` would cast to float32.
        _, closest = self._search.call(extended)
        return tf.gather(self._values, closest[:, 0])
