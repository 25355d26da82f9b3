"""Energy network for vector observations: a dense ResNet on [o, a] (paper appendix)."""

from __future__ import annotations

from typing import Any

import gin
import tensorflow as tf

from ibc_agents.acceleration import cache_blocks
from ibc_agents.networks.energy import energy_network
from ibc_agents.networks.heads import soft_minimum
from ibc_agents.networks.layers import dense_resnet


@gin.configurable
class MlpEnergyNetwork(energy_network.EnergyNetwork):
    """A width × depth dense ResNet on [o, a] with a scalar output.

    The first layer is linear in [o, a], so the observation's share of it is computed once and is
    the code (C = width); each action only adds its own share. That is the published network,
    without repeating the observation for every sample. An `encoder` before it gives the observation
    layers of its own.
    """

    def __init__(
        self,
        width: int = 256,
        depth: int = 2,
        activation: str = "relu",
        encoder: tf.keras.layers.Layer | None = None,
        dropout_rate: float = 0.0,
        layer_norm: bool = False,
        dense: dense_resnet.DenseFactory = tf.keras.layers.Dense,
        head: tf.keras.layers.Layer | None = None,
        blocks: cache_blocks.CacheBlocks | None = None,
        precision: str | tf.keras.mixed_precision.Policy = "float32",
        name: str = "MlpEnergyNetwork",
    ):
        """Creates the network; variables come with the first call.

        Args:
            width: W, units of each layer that sees the actions, positive.
            depth: D, even; D/2 residual blocks.
            activation: name of a Keras activation.
            encoder: maps the observation window to a vector ``[B, ·]``; by default the flattened
                observation itself.
            dropout_rate: share of the activations dropped in training, in [0, 1).
            layer_norm: whether the inputs of each residual layer are normalised.
            dense: makes a dense layer of so many units, for example `SpectralNormDense` (the
                paper's D4RL energies). The two shares of the first layer are layers of their own,
                so each is normalised by itself. An encoder has a setting of its own.
            head: maps ``[M, W]`` to energies ``[M, 1]``; by default one of `dense`.
            precision: "float32", or "mixed_bfloat16" for the products between hidden layers, or
                `FasterProductPrecision()`; weights, sums and energies are float32 in any case.
            blocks: how many actions are scored at a time; by default `CacheBlocks()`.
            name: of the network.

        Raises:
            ValueError: if width, depth or dropout rate cannot be, or the layers are not plain
                where `precision` is not float32.
        """
        super().__init__(name=name)
        self._encoder = encoder or tf.keras.layers.Lambda(dense_resnet.flatten_observation)
        self._observation_projection = dense(width)
        self._action_projection = dense(width, use_bias=False)
        self._blocks = dense_resnet.DenseResNet(
            width,
            depth,
            activation,
            dropout_rate,
            layer_norm,
            dense,
            tf.keras.layers.Layer(dtype=precision).compute_dtype,
        )
        self._head = head or dense(1)
        if isinstance(head, soft_minimum.SoftMinimum):
            self.num_basins = head.num_basins
        self._width = width
        self._cache_blocks = blocks or cache_blocks.CacheBlocks()

    @property
    def rows_at_once(self) -> int | None:
        """See the base class."""
        return self._cache_blocks.rows(self._width) if self._scores_rows_alone else None

    @property
    def rows_of_a_core(self) -> int | None:
        """See the base class."""
        return self._cache_blocks.rows_of_a_core(self._width) if self._scores_rows_alone else None

    @property
    def scoring_variables(self) -> list[tf.Variable]:
        """See the base class."""
        scoring = (self._action_projection, self._blocks, self._head)
        return [variable for layer in scoring for variable in layer.trainable_variables]

    def encode(self, observation: Any, training: bool = False) -> tf.Tensor:
        """Returns the observation's share of the first layer, ``[B, W]``."""
        encoded = self._encoder(observation, training=training)
        return self._observation_projection(encoded, training=training)

    def energy(self, code: tf.Tensor, actions: tf.Tensor, training: bool = False) -> tf.Tensor:
        """See the base class."""
        hidden = self._first_layer(code, actions, training)
        if not self._is_built:  # shortcuts do not build layers
            self._head(self._blocks(hidden, training=training), training=training)
        if self._is_plain and dense_resnet.is_linear(self._head):
            energies = self._with_bias(self._blocks.projected(hidden, self._head.kernel))
        elif self._is_plain:
            outputs, _ = self._blocks.with_pull_back(hidden)
            energies = self._head(outputs, training=training)
        else:
            energies = self._head(self._blocks(hidden, training=training), training=training)
        return tf.reshape(energies, tf.shape(actions)[:2])

    def energy_and_gradient(
        self, code: tf.Tensor, actions: tf.Tensor, training: bool = False
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """See the base class."""
        if not (self._is_plain and self._is_built):
            return super().energy_and_gradient(code, actions, training)
        hidden = self._first_layer(code, actions, training)
        if dense_resnet.is_linear(self._head):
            kernel = self._head.kernel
            projected, pull_back = self._blocks.projected_with_pull_back(hidden, kernel)
            # The slope is the same for all actions.
            energies, slope = self._with_bias(projected), tf.transpose(kernel)
        else:
            outputs, pull_back = self._blocks.with_pull_back(hidden)
            energies, slope = self._head_with_slope(outputs, training)
        kernel = self._action_projection.kernel
        gradient = tf.matmul(pull_back(slope), kernel, transpose_b=True)
        shape = tf.shape(actions)
        return tf.reshape(energies, shape[:2]), tf.reshape(gradient, shape)

    def basins(self, code: tf.Tensor, actions: tf.Tensor) -> tf.Tensor:
        """See the base class."""
        if self.num_basins is None:
            return super().basins(code, actions)
        num_samples, num_basins = tf.shape(actions)[1], self.num_basins
        hidden = self._blocks(self._first_layer(code, actions, training=False))
        shape = [-1, num_samples, num_basins]
        distances = tf.reshape(self._head.square_distances(hidden), shape)
        own = tf.one_hot(tf.range(num_samples) % num_basins, num_basins)
        return tf.reduce_sum(distances * own, axis=-1)

    @property
    def _is_built(self) -> bool:
        return self._blocks.built and self._head.built

    @property
    def _is_plain(self) -> bool:
        return dense_resnet.is_linear(self._action_projection) and self._blocks.is_plain

    @property
    def _scores_rows_alone(self) -> bool:
        """Whether nothing is drawn or remembered; of a head of the user's own nobody knows."""
        return self._is_plain and (
            dense_resnet.is_linear(self._head) or self.num_basins is not None
        )

    def _with_bias(self, projected: tf.Tensor) -> tf.Tensor:
        return projected + self._head.bias if self._head.use_bias else projected

    def _head_with_slope(self, hidden: tf.Tensor, training: bool) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns energies ``[M, 1]`` and their slope ``[M, W]``."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(hidden)
            energies = self._head(hidden, training=training)
        return energies, tape.gradient(energies, hidden)

    def _first_layer(self, code: tf.Tensor, actions: tf.Tensor, training: bool) -> tf.Tensor:
        """Returns ``[B · N, W]``: two-dimensional products are a good deal faster than batched."""
        rows = tf.reshape(actions, [-1, actions.shape[-1]])
        projected = self._action_projection(rows, training=training)
        if code.shape[0] == 1:  # a bias, which TensorFlow adds while it multiplies
            return tf.nn.bias_add(projected, code[0])
        of_each = tf.reshape(projected, [-1, tf.shape(actions)[1], self._width])
        return tf.reshape(code[:, None] + of_each, [-1, self._width])
