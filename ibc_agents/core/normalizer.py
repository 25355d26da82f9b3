"""Between the environment's units and the scaled world of networks and samplers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import gin
import numpy as np
import tensorflow as tf
from tf_agents.trajectories import trajectory

from data.episodes import dataset_statistics as data_statistics
from ibc_agents.core import action_space, protocols

_SMALLEST_DEVIATION = 1e-6


@gin.configurable(denylist=["statistics", "observation_spec", "action_spec"])
class Normalizer(tf.Module):
    """Normalises observations, scales actions, and knows where actions may be searched.

    Observations become (o − mean) / std, element by element; elements that never vary are only
    centred. Images (uint8) pass unchanged: networks scale them themselves, as late as they can.
    Actions become [−1, 1] over the range of the data, dimension by dimension. The search bounds are
    that range widened by `margin` of its width on each side, then cut to the environment's own
    bounds (reference settings: 5 %).

    All statistics are non-trainable variables, so they are checkpointed with the agent and live
    inside the exported policy.

    Attributes:
        action_space: how nests of actions flatten.
    """

    def __init__(
        self,
        statistics: data_statistics.Statistics,
        observation_spec: Any,
        action_spec: Any,
        margin: float = 0.05,
        deviation_exponent: float = 1.0,
    ):
        """Builds the normaliser from exact statistics of the training split.

        Args:
            statistics: of observations and actions, in the environment's units.
            observation_spec: nest of tensor specs, without time or batch.
            action_spec: nest of float tensor specs.
            margin: how far beyond the data's range actions are searched, as a fraction of the
                range's width; not negative.
            deviation_exponent: observations become (o − mean) / std ** exponent, not negative: 0.5
                in the published settings of implicit policies on D4RL.

        Raises:
            ValueError: if the margin or the exponent is negative, or the statistics are of other
                specs.
        """
        super().__init__(name="Normalizer")
        if margin < 0:
            raise ValueError(f"margin must not be negative, got {margin}.")
        if deviation_exponent < 0:
            raise ValueError(f"deviation_exponent must not be negative, got {deviation_exponent}.")
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
        centre = 0.5 * (minimum + maximum)
        low = np.maximum(minimum - margin * width, np.minimum(self.action_space.low, minimum))
        high = np.minimum(maximum + margin * width, np.maximum(self.action_space.high, maximum))
        # In float32 as `scale_action` does it: no action of the data rounds to beyond the bounds.
        centre, half_range = centre.astype(np.float32), half_range.astype(np.float32)
        low, high = low.astype(np.float32), high.astype(np.float32)
        self._action_centre = _variable(centre)
        self._action_half_range = _variable(half_range)
        self._low = _variable((low - centre) / half_range)
        self._high = _variable((high - centre) / half_range)

    @classmethod
    def from_dataset(
        cls, dataset: Iterable, observation_spec: Any, action_spec: Any, **kwargs
    ) -> Normalizer:
        """Takes the statistics in one exact pass over a finite dataset, then builds the normaliser.

        Args:
            dataset: trajectories (or pairs of a trajectory and anything, as replay buffers give)
                with any number of leading dimensions, in the environment's units. Must end.
            observation_spec: nest of tensor specs, without time or batch.
            action_spec: nest of float tensor specs.
            **kwargs: of the constructor.

        Raises:
            ValueError: if the dataset is empty or holds a number that is not finite.
        """
        spec = trajectory.Trajectory((), observation_spec, action_spec, (), (), (), ())
        statistics = data_statistics.compute_statistics(dataset, spec)
        return cls(statistics, observation_spec, action_spec, **kwargs)

    @property
    def bounds(self) -> protocols.Bounds:
        """Where actions may be searched, scaled, ``[A]`` each."""
        return protocols.Bounds(tf.convert_to_tensor(self._low), tf.convert_to_tensor(self._high))

    def normalize_observation(self, observation: Any) -> Any:
        """Normalises a nest of observations with any leading dimensions; float32, images uint8."""
        leaves = [
            leaf if moments is None else (tf.cast(leaf, tf.float32) - moments[0]) / moments[1]
            for leaf, moments in zip(tf.nest.flatten(observation), self._moments, strict=True)
        ]
        return tf.nest.pack_sequence_as(observation, leaves)

    def scale_action(self, action: Any) -> tf.Tensor:
        """Scales a nest of actions in the environment's units to one tensor ``[…, A]``."""
        return (self.action_space.flatten(action) - self._action_centre) / self._action_half_range

    def unscale_action(self, scaled: tf.Tensor) -> Any:
        """Gives scaled actions ``[…, A]`` back in the environment's units and structure."""
        return self.action_space.pack(scaled * self._action_half_range + self._action_centre)


def _check_shapes(spec: Any, statistics: Any) -> None:
    for leaf, of_leaf in zip(tf.nest.flatten(spec), tf.nest.flatten(statistics), strict=True):
        if of_leaf is not None and np.shape(of_leaf.mean) != tuple(leaf.shape):
            raise ValueError(
                f"The statistics are of shape {np.shape(of_leaf.mean)} where the spec has {leaf}."
            )


def _deviation(std: np.ndarray) -> np.ndarray:
    """Replaces deviations that are zero, or as good as, by one."""
    return np.where(std > _SMALLEST_DEVIATION, std, 1.0)


def _variable(value: np.ndarray) -> tf.Variable:
    return tf.Variable(np.asarray(value, np.float32), trainable=False)
