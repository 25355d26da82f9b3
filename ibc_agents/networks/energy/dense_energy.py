"""A description of energies that consist of plain dense layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow as tf


class DenseEnergy(NamedTuple):
    """The layers from a code and actions to energies, as data.

    With z₀ = code + a · `action_kernel`, each pair of layers (V, W) of `layers` is a residual block
    z ← z + W φ(V φ(z)), and E = `head`(z). Layers and head score each action independently, draw no
    random numbers and write no variable. `ibc_agents.acceleration` computes such energies faster.

    Attributes:
        code: Float32 ``[B, W]``, the share of the observations in the first layer.
        action_kernel: Variable ``[A, W]``.
        layers: Dense layers from W to W units without activation, two for each residual block.
        activation: φ, element by element.
        head: A layer from ``[M, W]`` to ``[M, 1]``.
    """

    code: tf.Tensor
    action_kernel: tf.Variable
    layers: Sequence[tf.keras.layers.Dense]
    activation: Callable[[tf.Tensor], tf.Tensor]
    head: tf.keras.layers.Layer

    @property
    def width(self) -> int:
        """W, the units of each layer."""
        return self.action_kernel.shape[1]

    @property
    def trainable_variables(self) -> list[tf.Variable]:
        """The trainable variables that the energy depends on at a given code."""
        layers = (*self.layers, self.head)
        return [
            self.action_kernel,
            *(variable for layer in layers for variable in layer.trainable_variables),
        ]
