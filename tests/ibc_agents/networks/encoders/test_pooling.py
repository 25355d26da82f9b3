"""Pooling of feature maps to vectors, and pixel coordinates."""

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents import networks
from ibc_agents.networks.encoders import image_coordinates


def test_pixel_grid_equals_hand_computed_values():
    grid = image_coordinates.pixel_grid(2, 3)
    assert grid.dtype == np.float32
    np.testing.assert_array_equal(grid[..., 0], [[-1, 0, 1], [-1, 0, 1]])
    np.testing.assert_array_equal(grid[..., 1], [[-1, -1, -1], [1, 1, 1]])
    np.testing.assert_array_equal(image_coordinates.pixel_grid(1, 1), [[[0, 0]]])


def test_coord_conv_adds_x_and_y_to_every_image():
    image = tf.random.normal([3, 4, 5, 2])
    outputs = networks.CoordConv()(image).numpy()
    assert outputs.shape == (3, 4, 5, 4)
    np.testing.assert_array_equal(outputs[..., :2], image)
    for row in outputs:
        np.testing.assert_allclose(row[..., 2], np.tile(np.linspace(-1, 1, 5), (4, 1)), atol=1e-6)
        np.testing.assert_allclose(
            row[..., 3], np.tile(np.linspace(-1, 1, 4)[:, None], (1, 5)), atol=1e-6
        )


def test_global_average_pooling_is_the_mean_over_pixels():
    features = np.random.default_rng(0).normal(size=[3, 4, 5, 2]).astype(np.float32)
    pooled = networks.GlobalAveragePooling()(features)
    np.testing.assert_allclose(pooled, features.mean(axis=(1, 2)), rtol=1e-5, atol=1e-6)


def test_soft_argmax_of_one_bright_pixel_is_its_coordinate():
    """Each channel has a different bright pixel: x_1, y_1, x_2, y_2, …"""
    height, width = 4, 7
    features = np.zeros([1, height, width, height * width], np.float32)
    for k in range(height * width):
        features[0, k // width, k % width, k] = 100.0
    found = networks.SpatialSoftArgmax()(features).numpy().reshape(height, width, 2)
    np.testing.assert_allclose(found, image_coordinates.pixel_grid(height, width), atol=1e-6)


def test_soft_argmax_of_equal_features_is_the_center():
    found = networks.SpatialSoftArgmax()(tf.fill([2, 4, 5, 3], 7.0))
    np.testing.assert_allclose(found, np.zeros([2, 6]), atol=1e-6)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_soft_argmax_is_the_mean_coordinate_under_the_softmax(temperature):
    features = np.random.default_rng(0).normal(size=[3, 4, 5, 2]) * 3
    layer = networks.SpatialSoftArgmax(temperature)
    found = layer(features.astype(np.float32)).numpy().reshape(3, 2, 2)
    weights = np.exp(features / temperature)
    weights /= weights.sum(axis=(1, 2), keepdims=True)
    x, y = np.meshgrid(np.linspace(-1, 1, 5), np.linspace(-1, 1, 4))
    for k, coordinates in enumerate((x, y)):
        expected = (weights * coordinates[..., None]).sum(axis=(1, 2))
        np.testing.assert_allclose(found[..., k], expected, rtol=1e-4, atol=1e-5)
    assert not layer.trainable_variables


def test_soft_argmax_of_huge_features_is_finite():
    features = tf.random.normal([2, 4, 5, 3]) * 1e30
    found = networks.SpatialSoftArgmax(0.1)(features).numpy()
    assert np.isfinite(found).all() and np.abs(found).max() <= 1.0


def test_a_learned_temperature_starts_at_its_setting_and_has_a_gradient():
    layer = networks.SpatialSoftArgmax(2.0, learn_temperature=True)
    features = tf.random.normal([2, 4, 5, 3])
    with tf.GradientTape() as tape:
        found = layer(features)
        loss = tf.reduce_sum(found**2)
    np.testing.assert_allclose(found, networks.SpatialSoftArgmax(2.0)(features), rtol=1e-5)
    (variable,) = layer.trainable_variables
    assert np.exp(variable) == pytest.approx(2.0)
    # A higher temperature is closer to the center.
    assert tape.gradient(loss, variable) < 0


def test_a_map_of_one_pixel_raises():
    with pytest.raises(ValueError, match="more than one position, got a 1 × 1 map"):
        networks.SpatialSoftArgmax()(tf.zeros([1, 1, 1, 8]))


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan"), float("inf")])
def test_an_invalid_temperature_raises(temperature):
    with pytest.raises(ValueError, match="temperature must be a number"):
        networks.SpatialSoftArgmax(temperature)
