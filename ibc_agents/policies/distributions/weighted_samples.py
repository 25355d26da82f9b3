"""The distribution of an implicit policy: weighted actions."""

from __future__ import annotations

import tensorflow as tf
import tensorflow_probability as tfp


class WeightedSamples(tfp.distributions.Distribution):
    """A discrete distribution over N points of any shape, for each batch row.

    The mode is the point of the largest weight. Distributions of equal weights draw points of the
    same index with equal stateless seeds (two integers).
    """

    def __init__(self, points: tf.Tensor, logits: tf.Tensor, name: str = "WeightedSamples"):
        """Creates the distribution.

        Args:
            points: ``[B, N, *event]``.
            logits: Float32 ``[B, N]``, unnormalized log weights.
            name: Name of the distribution.
        """
        parameters = dict(locals())
        self._points = points
        self._logits = logits
        super().__init__(
            dtype=points.dtype,
            reparameterization_type=tfp.distributions.NOT_REPARAMETERIZED,
            validate_args=False,
            allow_nan_stats=True,
            parameters=parameters,
            name=name,
        )

    def _batch_shape_tensor(self):
        return tf.shape(self._points)[:1]

    def _batch_shape(self):
        return self._points.shape[:1]

    def _event_shape_tensor(self):
        return tf.shape(self._points)[2:]

    def _event_shape(self):
        return self._points.shape[2:]

    def _mode(self, **kwargs):
        return tf.gather(self._points, tf.argmax(self._logits, axis=-1), batch_dims=1)

    def _sample_n(self, n, seed=None, **kwargs):
        categorical = tfp.distributions.Categorical(logits=self._logits)
        chosen = tf.transpose(categorical.sample(n, seed=seed))
        points = tf.gather(self._points, chosen, batch_dims=1)
        return tf.experimental.numpy.swapaxes(points, 0, 1)
