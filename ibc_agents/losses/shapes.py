"""The shape check that all losses on energies share."""

from __future__ import annotations

import tensorflow as tf


def check_energies(
    loss: object, demonstration_energy: tf.Tensor, counter_example_energies: tf.Tensor
) -> None:
    """Checks that energies have shapes ``[B]`` and ``[B, N]``.

    Args:
        loss: The loss that takes them; its class is named in the error.
        demonstration_energy: Tensor of any shape.
        counter_example_energies: Tensor of any shape.

    Raises:
        ValueError: If the shapes differ; the message names the loss and the shapes.
    """
    one, many = demonstration_energy.shape, counter_example_energies.shape
    if one.rank != 1 or many.rank != 2 or not one.is_compatible_with(many[:1]):
        raise ValueError(
            f"{type(loss).__name__} takes energies [B] and [B, N], got {one} and {many}."
        )
