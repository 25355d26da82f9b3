"""The encoder without weights."""

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents import networks
from ibc_agents.networks.layers import dense_resnet
from tests.ibc_agents import helpers


def test_vectors_are_concatenated():
    observation = helpers.make_experience(3, 2).observation
    code = networks.FlatEncoder()(observation)
    np.testing.assert_array_equal(code, dense_resnet.flatten_observation(observation))


def images(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def test_images_are_averaged_over_areas():
    frames = images(2, 3, 8, 12, 3)
    code = networks.FlatEncoder(height=4, width=4, image_weight=2.0)(tf.constant(frames)).numpy()
    small = frames.reshape(2, 3, 4, 2, 4, 3, 3).mean((3, 5)) / 255
    np.testing.assert_allclose(code, 2.0 / np.sqrt(4 * 4 * 3) * small.reshape(2, -1), rtol=1e-5)


def test_small_images_are_unchanged():
    frames = images(2, 1, 4, 5, 1)
    code = networks.FlatEncoder(height=8, width=3)(tf.constant(frames))
    assert code.shape == (2, 4 * 3)


def test_an_image_has_the_weight_of_a_vector_element():
    """A change of 1 / image_weight in all pixels of a frame equals one standard deviation."""
    dark = np.full((1, 2, 6, 6, 3), 100, np.uint8)
    lighter = dark.copy()
    lighter[:, 1] += 51  # a fifth of 255
    vector = np.zeros((1, 2, 3), np.float32)
    encoder = networks.FlatEncoder(image_weight=5.0)
    codes = [
        encoder({"position": tf.constant(vector), "rgb": tf.constant(frames)}).numpy()
        for frames in (dark, lighter)
    ]
    np.testing.assert_allclose(np.linalg.norm(codes[0] - codes[1]), 1.0, rtol=1e-5)


@pytest.mark.parametrize("wrong", [{"height": 0}, {"width": 0}, {"image_weight": 0.0}])
def test_invalid_numbers_raise(wrong):
    with pytest.raises(ValueError, match=f"FlatEncoder.{[*wrong][0]} must be"):
        networks.FlatEncoder(**wrong)
