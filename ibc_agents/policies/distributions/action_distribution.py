"""The distribution that `policy.distribution` returns, in raw units."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp


class ActionDistribution(tfp.distributions.Distribution):
    """The distribution of one leaf of the action, given one over scaled action vectors.

    It has a mode and samples; `log_prob` in raw units is not implemented. The leaves of a nested
    action share one `scaled` distribution, so their modes, and samples drawn with equal stateless
    seeds (two integers), belong to the same action.
    """

    def __init__(
        self,
        scaled: tfp.distributions.Distribution,
        to_leaf: Callable[[tf.Tensor], tf.Tensor],
        leaf: tf.TensorSpec,
        name: str = "ActionDistribution",
    ):
        """Creates the distribution.

        Args:
            scaled: Distribution of batch shape ``[B]`` and event shape ``[A]``.
            to_leaf: From scaled actions ``[…, A]`` to this leaf ``[…, *leaf.shape]``.
            leaf: Spec of the leaf.
            name: Name of the distribution.
        """
        parameters: dict[str, Any] = dict(locals())
        self._scaled = scaled
        self._to_leaf = to_leaf
        self._leaf = leaf
        super().__init__(
            dtype=leaf.dtype,
            reparameterization_type=tfp.distributions.NOT_REPARAMETERIZED,
            validate_args=False,
            allow_nan_stats=True,
            parameters=parameters,
            name=name,
        )

    def _batch_shape_tensor(self):
        return self._scaled.batch_shape_tensor()

    def _batch_shape(self):
        return self._scaled.batch_shape

    def _event_shape_tensor(self):
        return tf.constant(self._leaf.shape.as_list(), tf.int32)

    def _event_shape(self):
        return self._leaf.shape

    def _mode(self, **kwargs):
        return self._to_leaf(self._scaled.mode())

    def _sample_n(self, n, seed=None, **kwargs):
        return self._to_leaf(self._scaled.sample(n, seed=seed))
