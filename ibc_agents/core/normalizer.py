"""Converts between the environment's units and the scaled ones of networks and samplers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import gin
import numpy as np
import tensorflow as tf
from tf_agents.trajectories import trajectory

from data.episodes import dataset_statistics as data_statistics
from data.episodes import specs as data_specs
from ibc_agents.core import errors, protocols, setting_checks
from ibc_agents.core.scaling import action_space, image_format, leaf_scaling

# Normalized observations are clipped to this many standard deviations of the data. None of n values
# is farther than sqrt(n − 1) deviations from their mean (Samuelson's inequality), so up to 10^8
# demonstrated frames are never clipped.
MAX_DEVIATIONS = 1e4
# Arrays with fewer numbers are hardly images.
_IMAGE_ELEMENTS = 256


@gin.configurable(denylist=["statistics", "observation_spec", "action_spec"])
class Normalizer(tf.Module):
    """Normalizes observations, scales actions, and holds the bounds of the action search.

    Observations become (o − mean) / std, element by element, in float32. They are centered in their
    own precision (`LeafScaling`), so neither the unit nor the offset of a value has an effect. They
    are clipped to ± `MAX_DEVIATIONS` standard deviations, so that networks get moderate numbers for
    any finite observation. An element that does not vary in the data is 0 for any value, since a
    network cannot learn its meaning. Images become uint8 ``[H, W, C]``, which networks scale late:
    leaves of uint8 and rank 3, and those that `image_formats` names.

    Actions become [−1, 1] over the range of the data, dimension by dimension, or 0 if they do not
    vary. The search bounds are that range widened by `margin` of its width on each side, then cut
    to the environment's bounds.

    All statistics are non-trainable variables, so they are part of checkpoints and of exported
    policies. `from_statistics` makes a normalizer; `from_dataset` computes the statistics first.

    Attributes:
        action_space: Flattens and packs nests of actions.
        possible_images: Paths, dtypes and shapes of the parts of the observation that are taken as
            vectors, but have the size of an image.

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
        image_formats: Mapping[str, image_format.ImageFormat] | None = None,
    ):
        """Creates the normalizer; see `from_statistics`.

        Args:
            statistics: Statistics of observations and actions, of the structure of the specs.
            observation_spec: Nest of tensor specs, without time or batch.
            action_spec: Nest of float tensor specs.
            margin: How far beyond the data's range actions are searched, as a fraction of the
                range's width; not negative.
            deviation_exponent: Observations become (o − mean) / std ** exponent, in [0, 1]: 0.5
                in the published settings of implicit policies on D4RL.
            image_formats: Formats of images by the path of their leaf, such as
                ``{"observation/depth": ImageFormat("HW", white=5000)}``. Uint8 of rank 3 needs none
                if its shape shows whether the channels are first or last.

        Raises:
            ValueError: If the margin or the exponent is negative, the statistics are of other
                specs, or a bound of a spec is not valid.
        """
        super().__init__(name="Normalizer")
        not_negative = setting_checks.NOT_NEGATIVE
        margin = setting_checks.check_number("Normalizer.margin", margin, not_negative)
        deviation_exponent = setting_checks.check_number(
            "Normalizer.deviation_exponent", deviation_exponent, setting_checks.FRACTION
        )
        tf.nest.assert_same_structure(observation_spec, statistics.observation)
        tf.nest.assert_same_structure(action_spec, statistics.action)
        parts = {"action": action_spec, "observation": observation_spec}
        data_specs.check_bounds(parts)
        self.action_space = action_space.ActionSpace(action_spec)
        self._leaf_paths = [path for path, _ in data_specs.named_leaves(parts)]
        formats = _image_formats(
            observation_spec, {} if image_formats is None else image_formats, statistics
        )
        self._observation = [
            form or _observation_scaling(leaf.dtype, found, deviation_exponent)
            for (leaf, found), form in zip(
                _leaves(observation_spec, statistics.observation), formats, strict=True
            )
        ]
        named = data_specs.named_leaves({"observation": observation_spec})
        self.possible_images = tuple(
            image_format.describe(name, leaf)
            for (name, leaf), form in zip(named, formats, strict=True)
            if form is None and leaf.shape.rank > 1 and leaf.shape.num_elements() >= _IMAGE_ELEMENTS
        )
        self._action = [
            _action_scaling(leaf.dtype, found)
            for leaf, found in _leaves(action_spec, statistics.action)
        ]
        found_leaves = tf.nest.flatten(statistics.action)
        minimum = np.concatenate([np.reshape(found.minimum, [-1]) for found in found_leaves])
        maximum = np.concatenate([np.reshape(found.maximum, [-1]) for found in found_leaves])
        slack = margin * (maximum - minimum)
        low = np.maximum(minimum - slack, np.minimum(self.action_space.low, minimum))
        high = np.minimum(maximum + slack, np.maximum(self.action_space.high, maximum))
        # As `scale_action` rounds, so that no action of the data rounds to beyond the bounds.
        self._low = tf.Variable(self._scale_bound(low), trainable=False)
        self._high = tf.Variable(self._scale_bound(high), trainable=False)

    @classmethod
    def from_statistics(
        cls,
        statistics: data_statistics.Statistics,
        observation_spec: Any,
        action_spec: Any,
        **settings: Any,
    ) -> Normalizer:
        """Makes a normalizer from exact statistics of the training split.

        Args:
            statistics: Statistics in the environment's units. The leaves of their nests are those
                of the specs, in the same order; the types of the nests may differ.
            observation_spec: Nest of tensor specs, without time or batch.
            action_spec: Nest of float tensor specs.
            **settings: Settings of the constructor, such as `margin`.

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
        cls, dataset: Iterable, observation_spec: Any, action_spec: Any, **settings: Any
    ) -> Normalizer:
        """Makes a normalizer from one exact pass over a finite dataset.

        Args:
            dataset: Trajectories with any number of leading dimensions, in the environment's units,
                or pairs of a trajectory and anything, as from replay buffers. It must be finite.
            observation_spec: Nest of tensor specs, without time or batch.
            action_spec: Nest of float tensor specs.
            **settings: Settings of the constructor, such as `margin`.

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

    def constant_elements(self) -> dict[str, list[int]]:
        """Returns the elements that do not vary in the data, which policies ignore or repeat.

        Returns:
            Flat indices by the path of the leaf, for each leaf with such elements.
        """
        scalings = [*self._action, *self._observation]
        return {
            path: scaling.removed_elements
            for path, scaling in zip(self._leaf_paths, scalings, strict=True)
            if isinstance(scaling, leaf_scaling.LeafScaling) and scaling.removed_elements
        }

    def normalize_observation(self, observation: Any) -> Any:
        """Normalizes a nest of observations with any leading dimensions; float32, images uint8."""
        leaves = [
            part.to_pixels(leaf)
            if isinstance(part, image_format.ImageFormat)
            else part.to_units(leaf)
            for leaf, part in zip(tf.nest.flatten(observation), self._observation, strict=True)
        ]
        return tf.nest.pack_sequence_as(observation, leaves)

    def scale_action(self, action: Any) -> tf.Tensor:
        """Scales a nest of actions in the environment's units to one tensor ``[…, A]``."""
        # A dataset has tuples where an environment has lists.
        tf.nest.assert_same_structure(action, self.action_space.spec, check_types=False)
        leaves = [
            scaling.to_units(leaf)
            for leaf, scaling in zip(tf.nest.flatten(action), self._action, strict=True)
        ]
        return self.action_space.flatten(tf.nest.pack_sequence_as(self.action_space.spec, leaves))

    def unscale_action(self, scaled: tf.Tensor) -> Any:
        """Returns scaled actions ``[…, A]`` in the environment's units and structure."""
        packed = self.action_space.pack(scaled)
        leaves = [
            scaling.from_units(leaf)
            for leaf, scaling in zip(tf.nest.flatten(packed), self._action, strict=True)
        ]
        return tf.nest.pack_sequence_as(packed, leaves)

    def _scale_bound(self, bound: np.ndarray) -> tf.Tensor:
        """Scales a bound, float64 ``[A]``, in the environment's units."""
        scaled = self.scale_action(self.action_space.pack(tf.constant(bound)))
        if not np.isfinite(scaled).all():
            raise ValueError(
                f"The search bounds of the actions are {bound.tolist()}, which float32 cannot "
                "scale to [-1, 1]. Scale the actions of the demonstrations to smaller numbers."
            )
        return scaled


def _image_formats(
    observation_spec: Any,
    declared: Mapping[str, image_format.ImageFormat],
    statistics: data_statistics.Statistics,
) -> list[image_format.ImageFormat | None]:
    """Returns the format of each leaf, in the order of the nest; None for vectors."""
    leaves = dict(data_specs.named_leaves({"observation": observation_spec}))
    if not isinstance(declared, Mapping) or not all(isinstance(name, str) for name in declared):
        raise errors.SettingError(
            "Normalizer.image_formats must be a dictionary of paths and formats, such as "
            f"{{'observation/rgb': @ImageFormat()}}; got {declared!r}."
        )
    if unknown := sorted(declared.keys() - leaves):
        raise errors.SettingError(
            f"Normalizer.image_formats has the path {unknown[0]!r}, but the observation consists "
            f"of {', '.join(image_format.describe(*leaf) for leaf in leaves.items())}."
        )
    formats = []
    found = tf.nest.flatten(statistics.observation)
    for (name, leaf), of_leaf in zip(leaves.items(), found, strict=True):
        form = declared.get(name)
        if form is not None:
            setting_checks.check_instance(
                f"each of Normalizer.image_formats ({name})", form, image_format.ImageFormat
            )
            form.check(name, leaf)
            if of_leaf is not None:
                form.check_mean(name, float(np.mean(of_leaf.mean)))
        elif data_specs.is_image(leaf):
            axes = data_specs.image_axes(leaf)
            if axes is None:
                raise errors.ObservationError(
                    f"the shape of the image {image_format.describe(name, leaf)} does not show "
                    "which axis has the channels. Set Normalizer.image_formats = "
                    f"{{{name!r}: @ImageFormat()}} and ImageFormat.axes, such as 'CHW'."
                )
            form = image_format.ImageFormat(axes)
        formats.append(form)
    return formats


def _leaves(spec: Any, statistics: Any) -> list[tuple[tf.TypeSpec, Any]]:
    """Returns the pairs of a spec and its statistics, None for images."""
    pairs = list(zip(tf.nest.flatten(spec), tf.nest.flatten(statistics), strict=True))
    for leaf, found in pairs:
        if found is not None and np.shape(found.mean) != tuple(leaf.shape):
            raise ValueError(
                f"The statistics have shape {np.shape(found.mean)}, and the spec has {leaf}."
            )
    return pairs


def _observation_scaling(
    dtype: tf.DType, found: data_statistics.LeafStatistics, exponent: float
) -> leaf_scaling.LeafScaling:
    varies = ~found.is_constant(dtype)
    std = np.where(varies, found.std, 1.0)
    limit = np.where(varies, MAX_DEVIATIONS * std ** (1.0 - exponent), 0.0)
    return leaf_scaling.LeafScaling(dtype, found.mean, std**exponent, limit)


def _action_scaling(
    dtype: tf.DType, found: data_statistics.LeafStatistics
) -> leaf_scaling.LeafScaling:
    varies = ~found.is_constant(dtype)
    center = 0.5 * (found.minimum + found.maximum)
    half_range = np.where(varies, 0.5 * (found.maximum - found.minimum), 1.0)
    return leaf_scaling.LeafScaling(dtype, center, half_range, np.where(varies, np.inf, 0.0))
