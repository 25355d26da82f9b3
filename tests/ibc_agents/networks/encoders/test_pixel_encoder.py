"""The encoder of images and vectors."""

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents import networks
from ibc_agents.networks.encoders import pixel_encoder
from tests.ibc_agents import pixels

EXPERIENCE = pixels.make_experience(4, 2)


class Record(tf.keras.layers.Layer):
    """Returns the mean of each channel, and records its inputs."""

    def call(self, image):
        self.seen = image
        return tf.reduce_mean(image, axis=[1, 2])


def recorded(observation, **kwargs):
    record = Record()
    code = networks.PixelEncoder([record], **kwargs)(observation)
    return record.seen, code


def random_images(*shape, seed=0):
    return tf.constant(np.random.default_rng(seed).integers(0, 256, shape), tf.uint8)


def small(**kwargs):
    layers = [networks.CoordConv(), networks.ConvMaxPool((4, 8)), networks.GlobalAveragePooling()]
    return networks.PixelEncoder(layers, **kwargs)


def test_frames_are_stacked_oldest_first():
    windows = random_images(3, 2, 4, 5, 3)
    seen, _ = recorded({"rgb": windows})
    assert seen.dtype == tf.float32 and seen.shape == [3, 4, 5, 6]
    np.testing.assert_allclose(seen[..., :3], windows[:, 0] / 255, rtol=1e-6)
    np.testing.assert_allclose(seen[..., 3:], windows[:, 1] / 255, rtol=1e-6)


def test_images_are_scaled_to_0_to_1():
    windows = tf.constant(np.resize([0, 51, 255], [1, 1, 2, 3, 1]), tf.uint8)
    seen, _ = recorded(windows)
    np.testing.assert_allclose(seen[0, :, :, 0], [[0, 0.2, 1]] * 2, rtol=1e-6)


@pytest.mark.parametrize("method", ["bilinear", "area", "nearest"])
def test_every_frame_is_resized(method):
    windows = random_images(2, 3, 8, 12, 3)
    seen, _ = recorded(windows, size=(4, 6), resize_method=method)
    assert seen.shape == [2, 4, 6, 9]
    for k in range(3):
        frame = tf.cast(tf.image.resize(windows[:, k], (4, 6), method), tf.float32) / 255
        np.testing.assert_allclose(seen[..., 3 * k : 3 * k + 3], frame, rtol=1e-5, atol=1e-6)


def test_area_resizing_is_the_mean_of_blocks():
    windows = random_images(2, 1, 8, 12, 3)
    seen, _ = recorded(windows, size=(4, 6), resize_method="area")
    blocks = windows.numpy().reshape(2, 4, 2, 6, 2, 3).mean(axis=(2, 4)) / 255
    np.testing.assert_allclose(seen, blocks, rtol=1e-5, atol=1e-6)


def test_an_image_of_the_right_size_is_unchanged():
    windows = random_images(2, 1, 4, 6, 3)
    np.testing.assert_array_equal(
        recorded(windows, size=(4, 6), resize_method="area")[0], recorded(windows)[0]
    )


@pytest.mark.parametrize(("size", "resized"), [(None, False), ((4, 6), False), ((4, 5), True)])
def test_equal_sizes_add_no_resize_operation(size, resized):
    encoder = small(size=size)
    traced = tf.function(encoder, autograph=False).get_concrete_function(
        tf.TensorSpec([None, 2, 4, 6, 3], tf.uint8)
    )
    assert any("Resize" in node.type for node in traced.graph.get_operations()) == resized


def test_several_cameras_are_channels_of_one_image():
    observation = {
        "wrist": random_images(2, 2, 4, 6, 1, seed=1),
        "front": random_images(2, 2, 8, 12, 3),
    }
    seen, _ = recorded(observation, size=(4, 6))
    front, _ = recorded(observation["front"], size=(4, 6))
    wrist, _ = recorded(observation["wrist"])
    np.testing.assert_array_equal(seen, tf.concat([front, wrist], axis=-1))


def test_cameras_of_different_sizes_must_be_resized():
    observation = {"a": random_images(1, 1, 4, 6, 3), "b": random_images(1, 1, 8, 6, 3)}
    with pytest.raises(ValueError, match=r"different sizes, \[\(4, 6\), \(8, 6\)\]"):
        recorded(observation)


def test_flat_vectors_follow_the_image_features():
    rng = np.random.default_rng(0)
    windows = random_images(3, 2, 4, 5, 3)
    vectors = {
        "pose": tf.constant(rng.normal(size=[3, 2, 4]), tf.float32),
        "angle": tf.constant(rng.normal(size=[3, 2]), tf.float32),
    }
    _, code = recorded({"rgb": windows, **vectors})
    np.testing.assert_array_equal(code[:, :6], recorded(windows)[1])
    np.testing.assert_array_equal(code[:, 6:8], vectors["angle"])
    np.testing.assert_array_equal(code[:, 8:], tf.reshape(vectors["pose"], [3, 8]))


def test_key_order_has_no_effect():
    encoder = small()
    code = encoder(EXPERIENCE.observation)
    turned = dict(reversed(EXPERIENCE.observation.items()))
    assert list(turned) != list(EXPERIENCE.observation)
    np.testing.assert_array_equal(encoder(turned), code)


def test_rows_are_independent():
    encoder = small()
    code = encoder(EXPERIENCE.observation).numpy()
    changed = EXPERIENCE.observation["rgb"].numpy()
    changed[1] = 255 - changed[1]
    other = encoder({**EXPERIENCE.observation, "rgb": tf.constant(changed)}).numpy()
    assert (other != code).any(axis=1).tolist() == [False, True, False, False]
    order = [2, 0, 3, 1]
    permuted = tf.nest.map_structure(lambda leaf: tf.gather(leaf, order), EXPERIENCE.observation)
    np.testing.assert_allclose(encoder(permuted), code[order], rtol=1e-5, atol=1e-6)


def test_the_default_is_the_published_encoder():
    encoder = networks.PixelEncoder(size=(20, 30))
    assert encoder(EXPERIENCE.observation).shape == [4, 256 + 2 * 2]
    kernels = [tuple(v.shape) for v in encoder.trainable_variables if v.shape.rank == 4]
    assert kernels == [(3, 3, 6, 32), (3, 3, 32, 64), (3, 3, 64, 128), (3, 3, 128, 256)]


@pytest.mark.parametrize("training", [True, False])
def test_training_argument_is_passed_to_image_layers_and_head(training):
    layers = [networks.ConvMaxPool((4,)), tf.keras.layers.Dropout(0.5), Record()]
    head = networks.MlpEncoder(width=8, depth=2, dropout_rate=0.5)
    encoder = networks.PixelEncoder(layers, head=head)
    codes = [encoder(EXPERIENCE.observation, training=training).numpy() for _ in range(2)]
    assert codes[0].shape == (4, 8)
    assert np.array_equal(*codes) != training
    features = [layers[-1].seen.numpy() for _ in (encoder(EXPERIENCE.observation),)]
    encoder(EXPERIENCE.observation, training=training)
    assert np.array_equal(layers[-1].seen, features[0]) != training


def test_observations_without_images_are_rejected():
    observation = {"offset": EXPERIENCE.observation["offset"]}
    with pytest.raises(ValueError, match="has vectors only: choose MlpEncoder"):
        small()(observation)


def test_uint8_vectors_are_rejected():
    with pytest.raises(ValueError, match=r"uint8 \[B, T, H, W, C\], got \(2, 3, 4\)"):
        pixel_encoder.split_observation({"flags": tf.zeros([2, 3, 4], tf.uint8)})


def test_image_layers_without_pooling_are_rejected():
    with pytest.raises(ValueError, match="not a vector for each observation: end them with a pool"):
        networks.PixelEncoder([networks.ConvMaxPool((4,))])(EXPERIENCE.observation)


@pytest.mark.parametrize("size", [(4,), (0, 4), (4, 4, 3)])
def test_an_invalid_size_raises(size):
    with pytest.raises(ValueError, match="PixelEncoder.size must be"):
        networks.PixelEncoder(size=size)
