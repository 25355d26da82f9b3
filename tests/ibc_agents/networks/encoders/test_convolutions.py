"""Convolutional networks: shapes, sizes, residual blocks."""

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents import networks


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [(16, 16, (1, 1)), (90, 120, (5, 7)), (31, 17, (1, 1)), (180, 240, (11, 15))],
)
def test_four_max_pools_leave_a_sixteenth(height, width, expected):
    features = networks.ConvMaxPool()(tf.zeros([1, height, width, 6]))
    assert features.shape == [1, *expected, 256]


def test_published_channels_and_kernels():
    network = networks.ConvMaxPool()
    network(tf.zeros([1, 16, 16, 6]))
    shapes = [tuple(v.shape) for v in network.trainable_variables if v.shape.rank == 4]
    assert shapes == [(3, 3, 6, 32), (3, 3, 32, 64), (3, 3, 64, 128), (3, 3, 128, 256)]


def test_is_convolution_relu_max_pool():
    """The order is as published. Compares with a padded 3 × 3 convolution in NumPy."""
    network = networks.ConvMaxPool(channels=[4])
    image = np.random.default_rng(0).normal(size=[2, 6, 8, 3]).astype(np.float32)
    network(image)
    kernel = np.random.default_rng(1).normal(size=[3, 3, 3, 4])
    bias = np.array([-1.0, 0.0, 0.5, 1.0])
    network.set_weights([kernel, bias])
    padded = np.pad(image, [(0, 0), (1, 1), (1, 1), (0, 0)])
    hidden = sum(padded[:, i : i + 6, j : j + 8] @ kernel[i, j] for i in range(3) for j in range(3))
    hidden = np.maximum(hidden + bias, 0).reshape(2, 3, 2, 4, 2, 4).max(axis=(2, 4))
    np.testing.assert_allclose(network(image), hidden, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("height", "width"), [(15, 64), (64, 15)])
def test_images_too_small_for_pooling_raise(height, width):
    message = rf"4 max-pools need images of at least 16 × 16 pixels, got {height} × {width}"
    with pytest.raises(ValueError, match=message):
        networks.ConvMaxPool()(tf.zeros([1, height, width, 3]))


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (networks.ConvStrided, (23, 30, 32)),
        (lambda: networks.ConvStrided((4, 6), (3, 1), (7, 1)), (30, 40, 6)),
    ],
    ids=["default", "7 × 7 then 1 × 1"],
)
def test_strides_reduce_the_map(make, expected):
    assert make()(tf.zeros([2, 90, 120, 6])).shape == [2, *expected]


def test_strided_convolutions_have_relus_and_a_linear_output():
    """With 1 × 1 kernels, the layers are dense layers at every pixel."""
    network = networks.ConvStrided((4, 5, 3), (2, 1, 1), (1, 1, 1))
    image = np.random.default_rng(0).normal(size=[2, 5, 6, 3]).astype(np.float32)
    network(image)
    rng = np.random.default_rng(1)
    network.set_weights([rng.normal(size=v.shape) for v in network.trainable_variables])
    hidden = image[:, ::2, ::2]
    for kernel, bias in zip(network.get_weights()[::2], network.get_weights()[1::2], strict=True):
        outputs = hidden @ kernel[0, 0] + bias
        hidden = np.maximum(outputs, 0)
    assert (outputs < 0).any()
    np.testing.assert_allclose(network(image), outputs, rtol=1e-4, atol=1e-4)


def test_a_kernel_size_for_each_convolution():
    with pytest.raises(ValueError, match="kernel_sizes must be a list of 3 integers"):
        networks.ConvStrided(kernel_sizes=(3,))


def test_resnet_strides_round_up():
    network = networks.ConvResNet(channels=(4, 8, 6), strides=(2, 3, 1))
    assert network(tf.zeros([2, 21, 30, 5])).shape == [2, 4, 5, 6]


def test_resnet_stage_is_a_convolution_and_a_residual_block():
    """With 1 × 1 kernels, the layers are dense layers at every pixel with a linear output."""
    network = networks.ConvResNet(channels=[4], strides=[2], kernel_size=1)
    image = np.random.default_rng(0).normal(size=[2, 5, 6, 3]).astype(np.float32)
    network(image)
    rng = np.random.default_rng(1)
    weights = [rng.normal(size=v.shape) for v in network.trainable_variables]
    network.set_weights(weights)
    entry, entry_bias, first, first_bias, second, second_bias = weights
    hidden = image[:, ::2, ::2] @ entry[0, 0] + entry_bias
    inner = np.maximum(hidden, 0) @ first[0, 0] + first_bias
    hidden = hidden + np.maximum(inner, 0) @ second[0, 0] + second_bias
    assert (hidden < 0).any()
    np.testing.assert_allclose(network(image), hidden, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("make", [networks.ConvMaxPool, networks.ConvStrided, networks.ConvResNet])
@pytest.mark.parametrize("channels", [(), (8, 0)])
def test_an_empty_list_of_channels_raises(make, channels):
    with pytest.raises(ValueError, match="channels must be"):
        make(channels=channels)


@pytest.mark.parametrize("make", [networks.ConvStrided, networks.ConvResNet])
def test_a_stride_for_each_number_of_channels(make):
    with pytest.raises(ValueError, match="strides must be a list of 2 integers"):
        make(channels=(4, 4), strides=(2,))
