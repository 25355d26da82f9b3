"""Images of any layout and range become uint8 [H, W, C]."""

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents.core import errors
from ibc_agents.core.scaling import image_format

RNG = np.random.default_rng(0)
HWC = RNG.integers(0, 256, (2, 3, 6, 8, 3), np.uint8)  # with the dimensions B and T


def pixels(leaf, *format_, **settings):
    return image_format.ImageFormat(*format_, **settings).to_pixels(tf.constant(leaf)).numpy()


@pytest.mark.parametrize(
    ("axes", "order"), [("HWC", [0, 1, 2]), ("CHW", [2, 0, 1]), ("WHC", [1, 0, 2])]
)
def test_axes_are_reordered(axes, order):
    stored = HWC.transpose([0, 1, *(2 + np.array(order))])
    np.testing.assert_array_equal(pixels(stored, axes), HWC)


def test_a_gray_image_gets_a_channel():
    np.testing.assert_array_equal(pixels(HWC[..., 0], "HW"), HWC[..., :1])


@pytest.mark.parametrize("axes", ["KHWC", "KCHW", "HWKC", "HWCK"])
def test_stacked_frames_become_channels_oldest_first(axes):
    letters = {"K": 1, "H": 2, "W": 3, "C": 4}
    stored = HWC.transpose([0, *(letters[letter] for letter in axes)])
    expected = np.concatenate(list(HWC.swapaxes(0, 1)), axis=-1)
    np.testing.assert_array_equal(pixels(stored, axes), expected)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_of_256_values_are_exact(dtype):
    np.testing.assert_array_equal(pixels((HWC / 255).astype(dtype), white=1.0), HWC)
    np.testing.assert_array_equal(
        pixels((HWC / 127.5 - 1).astype(dtype), black=-1.0, white=1.0), HWC
    )


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32])
def test_values_are_cut_to_the_range_and_rounded(dtype):
    depth = np.array([[0, 500, 1500, 2500, 5000]], dtype)
    found = pixels(depth, "HW", black=500, white=2500)
    assert found[..., 0].tolist() == [[0, 0, 128, 255, 255]]
    assert pixels(depth, "HW", black=2500, white=500)[0, :, 0].tolist() == [255, 255, 128, 0, 0]


def test_values_that_are_no_numbers_are_black_and_infinite_ones_are_cut():
    depth = np.array([[np.nan, np.inf, -np.inf, 0.5]], np.float32)
    assert pixels(depth, "HW", white=1.0)[0, :, 0].tolist() == [0, 255, 0, 128]


def test_plain_images_add_no_operation():
    image = tf.constant(HWC)
    assert image_format.ImageFormat().to_pixels(image) is image


def test_unknown_leading_dimensions_are_kept():
    @tf.function(input_signature=[tf.TensorSpec([None, 2, 3, 6, 8], tf.uint8)])
    def convert(windows):
        converted = image_format.ImageFormat("CHW").to_pixels(windows)
        assert converted.shape.as_list() == [None, 2, 6, 8, 3]
        return converted

    assert convert(tf.zeros([4, 2, 3, 6, 8], tf.uint8)).shape == [4, 2, 6, 8, 3]


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"axes": "HC"}, "ImageFormat.axes must have the letters H and W, .* got 'HC'"),
        ({"axes": "HWX"}, "got 'HWX'"),
        ({"axes": "HWCC"}, "got 'HWCC'"),
        ({"axes": 3}, "got 3"),
        ({"black": 1.0, "white": 1.0}, "ImageFormat.white must differ from black"),
        ({"white": "bright"}, "ImageFormat.white must be a number"),
        ({"black": float("nan")}, "ImageFormat.black must be a number"),
    ],
)
def test_wrong_settings_are_named(settings, problem):
    with pytest.raises(errors.SettingError, match=problem):
        image_format.ImageFormat(**settings)
