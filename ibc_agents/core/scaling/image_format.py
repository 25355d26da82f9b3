"""How observations store images, and the conversion to the one form that networks take."""

from __future__ import annotations

import dataclasses
import math

import gin
import tensorflow as tf

from ibc_agents.core import errors, setting_checks

_LETTERS = "HWCK"


@gin.configurable
@dataclasses.dataclass(frozen=True)
class ImageFormat:
    """The order of the axes of an image, and the range of its values.

    Networks take images as uint8 ``[H, W, C]``, to which `to_pixels` converts. An image of 256
    values, such as uint8 or their multiples of 1/255, keeps all of them. Others, such as depths,
    are rounded to 256 values between `black` and `white`.

    Attributes:
        axes: A letter for each axis: H (height), W (width), C (channels) and K (frames that the
            environment stacks, which become channels). H and W are needed, such as "CHW" or "HW".
        black: Value that becomes 0, as smaller ones and values that are not numbers do.
        white: Value that becomes 255, as larger ones do. It can be smaller than `black`, which
            inverts the image. Default: 255 for uint8; other dtypes need it, such as 1.0.

    Examples:
        >>> depth = tf.constant([[0, 2500, 5000, 9000]], tf.uint16)
        >>> ImageFormat("HW", white=5000).to_pixels(depth).numpy().tolist()
        [[[0], [128], [255], [255]]]
    """

    axes: str = "HWC"
    black: float = 0.0
    white: float | None = None

    def __post_init__(self):
        """Checks the settings.

        Raises:
            SettingError: If a setting has a wrong type or is out of range.
        """
        axes = self.axes if isinstance(self.axes, str) else ""
        if len(set(axes)) != len(axes) or not {"H", "W"} <= set(axes) <= set(_LETTERS):
            raise errors.SettingError(
                "ImageFormat.axes must have the letters H and W, and C or K if there are channels "
                f"or frames, such as 'CHW'; got {self.axes!r}."
            )
        black = setting_checks.check_number("ImageFormat.black", self.black)
        object.__setattr__(self, "black", black)
        if self.white is not None:
            white = setting_checks.check_number("ImageFormat.white", self.white)
            if white == black:
                raise errors.SettingError(f"ImageFormat.white must differ from black, got {white}.")
            object.__setattr__(self, "white", white)

    def check(self, name: str, spec: tf.TypeSpec) -> None:
        """Checks that a leaf of an observation can have this format.

        Args:
            name: Path of the leaf, for the message.
            spec: Spec of the leaf.

        Raises:
            SettingError: If it has another rank, or its range is not known.
        """
        if len(self.axes) != spec.shape.rank:
            raise errors.SettingError(
                f"ImageFormat.axes must have a letter for each axis of {describe(name, spec)}, got "
                f"{self.axes!r}."
            )
        if self.white is None and spec.dtype != tf.uint8:
            raise errors.SettingError(
                f"ImageFormat.white must be set to the value of {describe(name, spec)} that is "
                "white, such as 1.0."
            )

    def check_mean(self, name: str, mean: float) -> None:
        """Checks that the mean of the values of a leaf is between black and white.

        Args:
            name: Path of the leaf, for the message.
            mean: Mean over frames and pixels.

        Raises:
            SettingError: If it is not, so that most pixels would be black or white.
        """
        white = 255.0 if self.white is None else self.white
        if not min(self.black, white) <= mean <= max(self.black, white):
            raise errors.SettingError(
                f"ImageFormat.white is {white} and black is {self.black}, but the mean of {name} "
                f"in the demonstrations is {mean:.3g}. Set the range of its values."
            )

    def to_pixels(self, leaf: tf.Tensor) -> tf.Tensor:
        """Converts ``[…, *axes]`` to uint8 ``[…, H, W, C]``."""
        return self._order(self._quantize(tf.convert_to_tensor(leaf)))

    def _quantize(self, leaf: tf.Tensor) -> tf.Tensor:
        white = 255.0 if self.white is None else self.white
        if leaf.dtype == tf.uint8 and (self.black, white) == (0.0, 255.0):
            return leaf
        # In float64, because uint32 and large offsets exceed the 24 bits of float32.
        share = (tf.cast(leaf, tf.float64) - self.black) / (white - self.black)
        levels = tf.round(255.0 * tf.clip_by_value(share, 0.0, 1.0))
        return tf.cast(tf.where(tf.math.is_nan(levels), tf.zeros_like(levels), levels), tf.uint8)

    def _order(self, leaf: tf.Tensor) -> tf.Tensor:
        if self.axes == "HWC":
            return leaf
        leading = leaf.shape.rank - len(self.axes)
        order = [leading + self.axes.index(letter) for letter in "HWKC" if letter in self.axes]
        ordered = tf.transpose(leaf, [*range(leading), *order])
        height, width, *channels = ordered.shape[leading:]
        size = [height, width, math.prod(channels)]
        return tf.reshape(ordered, tf.concat([tf.shape(leaf)[:leading], size], axis=0))


def describe(name: str, spec: tf.TypeSpec) -> str:
    """Returns the path, dtype and shape of a leaf, for messages.

    Examples:
        >>> describe("observation/depth", tf.TensorSpec([64, 64], tf.uint16))
        'observation/depth (uint16 [64, 64])'
    """
    return f"{name} ({spec.dtype.name} {spec.shape.as_list()})"
