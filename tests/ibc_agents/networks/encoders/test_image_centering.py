"""Centered images."""

import numpy as np

from ibc_agents import networks

IMAGES = np.random.default_rng(0).normal(0.5, 0.3, [3, 5, 6, 4]).astype(np.float32)


def test_each_channel_of_each_image_is_centered():
    centered = networks.ImageCentering()(IMAGES)
    np.testing.assert_allclose(
        centered, IMAGES - IMAGES.mean(axis=(1, 2), keepdims=True), rtol=1e-5, atol=1e-6
    )


def test_brightness_has_no_effect():
    """This holds for each channel, and therefore for each frame and camera."""
    brighter = IMAGES + np.array([0.3, 0.0, -0.2, 0.1], np.float32)
    layer = networks.ImageCentering()
    np.testing.assert_allclose(layer(brighter), layer(IMAGES), atol=1e-6)


def test_rows_are_independent():
    layer = networks.ImageCentering()
    np.testing.assert_allclose(layer(IMAGES[1:2])[0], layer(IMAGES)[1], atol=1e-6)
