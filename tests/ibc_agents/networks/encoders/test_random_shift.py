"""Random shifts of images."""

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents import networks

PIXELS = 2
IMAGES = np.random.default_rng(0).integers(-9, 9, [40, 6, 7, 4]).astype(np.float32)


def shifted(image, down, right):
    """Returns the shifted images by NumPy: padding with the edges, then cropping."""
    padded = np.pad(image, [(PIXELS, PIXELS), (PIXELS, PIXELS), (0, 0)], mode="edge")
    height, width, _ = image.shape
    top, left = PIXELS - down, PIXELS - right
    return padded[top : top + height, left : left + width]


def found_shifts(outputs):
    """Returns the shift of each row [B, 2], the one that maps its input to its output."""
    steps = range(-PIXELS, PIXELS + 1)
    shifts = []
    for image, output in zip(IMAGES, outputs, strict=True):
        (shift,) = [
            (down, right)
            for down in steps
            for right in steps
            if np.array_equal(shifted(image, down, right), output)
        ]
        shifts.append(shift)
    return np.array(shifts)


def test_each_image_has_one_shift():
    """All channels (frames and cameras) shift by the same whole pixels; edges are repeated."""
    tf.keras.utils.set_random_seed(0)
    layer = networks.RandomShift(PIXELS)
    shifts = np.concatenate([found_shifts(layer(IMAGES, training=True)) for _ in range(10)])
    # 400 draws of 25 shifts: one is missing with probability 25 · (24/25)^400 < 3e-6.
    assert len(np.unique(shifts, axis=0)) == (2 * PIXELS + 1) ** 2
    # Five standard deviations of a mean of 400 uniform draws from −2 … 2.
    assert np.abs(shifts.mean(axis=0)).max() < 5 * np.sqrt(2 / 400)


@pytest.mark.parametrize("pixels", [0, -1])
def test_an_invalid_shift_raises(pixels):
    with pytest.raises(
        ValueError, match=f"RandomShift.pixels must be an integer of at least 1, got {pixels}"
    ):
        networks.RandomShift(pixels)
