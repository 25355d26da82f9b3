"""Converts between the environment's units and the scaled ones of networks and samplers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import gin
import numpy as np
import tensorflow as tf
from tf_agents.trajectories import trajectory

from data.episodes import dataset_statistics as data_statistics
from ibc_agents.core import action_space, protocols, setting_checks

_SMALLEST_DEVIATION = 1e-6


@gin.configurable(denylist=["statistics", "observation_spec", "action_spec"])
class Normalizer(tf.Module):
    """Normalizes observations, scales actions, and holds the bounds of the action search.

    Observations become (o − mean) / std, element by element; elements that never vary are only
    centered. Images (uint8) are unchanged, because networks scale them late. Actions
    become [−1, 1] over the range of the data, dimension by dimension. The search bounds are that
    range widened by `margin` of its width on each side, then cut to the environment's bounds.

    All statistics are non-trainable variables, so they are part of checkpoints and of exported
    policies. `from_statistics` makes a normalizer; `from_dataset` computes the statistics first.

    Attributes:
        action_space: Flattens and packs nests of actions.

    References:
        Florence et al., "Implicit Behavioral Cloning", 2021, Appendix B.
        https://arxiv.org/abs/2109.00137
    """

    def __init__(
        self,
        statistics: data_statistics.Statistics,
        observation_spec: Any,
        action_spec: Any,
        margin: float = 0.05,
        deviation_exponent: float = 1.0,
    ):
        """Creates the normalizer; see `from_statistics`.

        Args:
            statistics: Statistics of observations and actions, of the structure of the specs.
            observation_spec: Nest of tensor specs, without time or batch.
            action_spec: Nest of float tensor specs.
            margin: How far beyond the data's range actions are searched, as a fraction of the
                range's width; not negative.
            deviation_exponent: Observations become (o − mean) / std ** exponent, not negative: 0.5
                in the published settings of implicit policies on D4RL.

        Raises:
            ValueError: If the margin or the exponent is negative, or the statistics are of other
                specs.
        """
        super().__init__(name="Normalizer")
        not_negative = setting_checks.NOT_NEGATIVE
        margin = setting_checks.check_number("Normalizer.margin", margin, not_negative)
        deviation_exponent = setting_checks.check_number(
            "Normalizer.deviation_exponent", deviation_exponent, not_negative
        )
        tf.nest.assert_same_structure(observation_spec, statistics.observation)
        tf.nest.assert_same_structure(action_spec, statistics.action)
        _check_shapes((observation_spec, action_spec), (statistics.observation, statistics.action))
        self.action_space = action_space.ActionSpace(action_spec)
        self._moments = [
            None
            if leaf is None
            else (_variable(leaf.mean), _variable(_deviation(leaf.std) ** deviation_exponent))
            for leaf in tf.nest.flatten(statistics.observation)
        ]
        leaves = tf.nest.flatten(statistics.action)
        minimum = np.concatenate([np.reshape(leaf.minimum, [-1]) for leaf in leaves])
        maximum = np.concatenate([np.reshape(leaf.maximum, [-1]) for leaf in leaves])
        width = maximum - minimum
        half_range = np.where(width > 0, 0.5 * width, 1.0)
        center = 0.5 * (minimum + maximum)
        low = np.maximum(minimum - margin * width, np.minimum(self.action_space.low, minimum))
        high = np.minimum(maximum + margin * width, np.maximum(self.action_space.high, maximum))
        # In float32 as `scale_action` does it: no action of the data rounds to beyond the bounds.
        center, half_range = center.astype(np.float32), half_range.astype(np.float32)
        low, high = low.astype(np.float32), high.astype(np.float32)
        self._action_center = _variable(center)
        self._action_half_range = _variable(half_range)
        self._low = _variable((low - center) / half_range)
        self._high = _variable((high - center) / half_range)

    @classmethod
    def from_statistics(
        cls,
        statistics: data_statistics.Statistics,
        observation_spec: Any,
        action_spec: Any,
        **settings: float,
    ) -> Normalizer:
        """Makes a normalizer from exact statistics of the training split.

        Args:
            statistics: Statistics in the environment's units. The leaves of their nests are those
                of the specs, in the same order; the types of the nests may differ.
            observation_spec: Nest of tensor specs, without time or batch.
            action_spec: Nest of float tensor specs.
            **settings: `margin` and `deviation_exponent` of the constructor.

        Raises:
            ValueError: If the leaves do not match.
        """
        observation, action = (
            tf.nest.pack_sequence_as(spec, tf.nest.flatten(part))
            for spec, part in (
                (observation_spec, statistics.observation),
                (action_spec, statistics.action),
            )
        )
        packed = data_statistics.Statistics(observation, action)
        return cls(packed, observation_spec, action_spec, **settings)

    @classmethod
    def from_dataset(
        cls, dataset: Iterable, observation_spec: Any, action_spec: Any, **settings: float
    ) -> Normalizer:
        """Makes a normalizer from one exact pass over a finite dataset.

        Args:
            dataset: Trajectories with any number of leading dimensions, in the environment's units,
                or pairs of a trajectory and anything, as from replay buffers. It must be finite.
            observation_spec: Nest of tensor specs, without time or batch.
            action_spec: Nest of float tensor specs.
            **settings: `margin` and `deviation_exponent` of the constructor.

        Raises:
            ValueError: If the dataset is empty or has a value that is not finite.
        """
        spec = trajectory.Trajectory((), observation_spec, action_spec, (), (), (), ())
        statistics = data_statistics.compute_statistics(dataset, spec)
        return cls.from_statistics(statistics, observation_spec, action_spec, **settings)

    @property
    def bounds(self) -> protocols.Bounds:
        """The box in which actions are searched, scaled, ``[A]`` each."""
        return protocols.Bounds(tf.convert_to_tensor(self._low), tf.convert_to_tensor(self._high))

    def normalize_observation(self, observation: Any) -> Any:
        """Normalizes a nest of observations with any leading dimensions; float32, images uint8."""
        leaves = [
            leaf if moments is None else (tf.cast(leaf, tf.float32) - moments[0]) / moments[1]
            for leaf, moments in zip(tf.nest.flatten(observation), self._moments, strict=True)
        ]
        return tf.nest.pack_sequence_as(observation, leaves)

    def scale_action(self, action: Any) -> tf.Tensor:
        """Scales a nest of actions in the environment's units to one tensor ``[…, A]``."""
        return (self.action_space.flatten(action) - self._action_center) / self._action_half_range

    def unscale_action(self, scaled: tf.Tensor) -> Any:
        """Returns scaled actions ``[…, A]`` in the environment's units and structure."""
        return self.action_space.pack(scaled * self._action_half_range + self._action_center)


def _check_shapes(spec: Any, statistics: Any) -> None:
    for leaf, of_leaf in zip(tf.nest.flatten(spec), tf.nest.flatten(statistics), strict=True):
        if of_leaf is not None and np.shape(of_leaf.mean) != tuple(leaf.shape):
            raise ValueError(
                f"The statistics have shape {np.shape(of_leaf.mean)}, and the spec has {leaf}."
            )


def _deviation(std: np.ndarray) -> np.ndarray:
    """Replaces deviations that are zero or nearly so by one."""
    return np.where(std > _SMALLEST_DEVIATION, std, 1.0)


def _variable(value: np.ndarray) -> tf.Variable:
    return tf.Variable(np.asarray(value, np.float32), trainable=False)
