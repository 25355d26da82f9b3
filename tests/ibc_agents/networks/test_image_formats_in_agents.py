"""Agents on images of other formats than uint8 [H, W, C], and on observations that do not fit."""

import gin
import numpy as np
import pytest
import tensorflow as tf
from tf_agents.policies import policy_saver
from tf_agents.trajectories import time_step as ts

from ibc_agents import agents, networks
from ibc_agents.cli.gin_config import configurables
from ibc_agents.core import errors
from ibc_agents.core import normalizer as normalizer_lib
from ibc_agents.core.scaling import image_format
from tests.ibc_agents import helpers, pixels

DEMONSTRATIONS = pixels.make_experience(50, 1)


def channels_first(rgb):
    rank = len(rgb.shape)
    return tf.transpose(rgb, [*range(rank - 3), rank - 1, rank - 3, rank - 2])


def as_floats(rgb):
    """Stores images as float32 in [0, 1], channels first."""
    return channels_first(tf.cast(rgb, tf.float32) / 255)


def gray(rgb):
    return rgb[..., 0]


def make_agent(store=None, encoder=None, **settings):
    """Returns an agent on images that are stored in another way."""
    rgb = DEMONSTRATIONS.observation["rgb"]
    stored = rgb if store is None else store(rgb)
    observation = {**DEMONSTRATIONS.observation, "rgb": stored}
    spec = {**pixels.OBSERVATION_SPEC, "rgb": tf.TensorSpec(stored.shape[2:], stored.dtype)}
    normalizer = normalizer_lib.Normalizer.from_dataset(
        [DEMONSTRATIONS._replace(observation=observation)],
        spec,
        pixels.ACTION_SPEC,
        **settings,
    )
    tf.keras.utils.set_random_seed(1)
    layers = [networks.ConvMaxPool((4,)), networks.GlobalAveragePooling()]
    agent = agents.MseAgent(
        ts.time_step_spec(spec),
        pixels.ACTION_SPEC,
        normalizer=normalizer,
        encoder=encoder or networks.PixelEncoder(layers),
        optimizer=tf.keras.optimizers.Adam(1e-2),
        window=2,
        train_step_counter=tf.Variable(0, dtype=tf.int64),
    )
    agent.initialize()
    return agent


def with_images(nest, store):
    observation = {**nest.observation, "rgb": store(nest.observation["rgb"])}
    return nest._replace(observation=observation)


@pytest.mark.parametrize(
    ("store", "declared"),
    [
        (channels_first, None),
        (as_floats, {"observation/rgb": image_format.ImageFormat("CHW", white=1.0)}),
    ],
)
def test_contract_images_of_another_format_give_the_same_training_and_policy(
    store, declared, tmp_path
):
    """The exported policy converts them too."""
    experience = pixels.make_experience(8)
    time_step = pixels.make_time_step(experience, 0, helpers.FIRST)
    plain, other = make_agent(), make_agent(store, image_formats=declared)
    losses = [
        plain.train(experience).loss,
        other.train(with_images(experience, store)).loss,
    ]
    np.testing.assert_allclose(*losses, rtol=1e-6)
    expected = plain.policy.action(time_step, plain.policy.get_initial_state(8)).action
    policy_saver.PolicySaver(other.policy, batch_size=None).save(str(tmp_path / "policy"))
    saved = tf.saved_model.load(str(tmp_path / "policy"))
    found = saved.action(with_images(time_step, store), saved.get_initial_state(8)).action
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("store", "described"),
    [
        (gray, r"observation/rgb \(uint8 \[16, 20\]\)"),
        (as_floats, r"observation/rgb \(float32 \[3, 16, 20\]\)"),
        (lambda rgb: rgb[:, :, None], r"observation/rgb \(uint8 \[1, 16, 20, 3\]\)"),
    ],
)
def test_images_that_are_not_recognized_are_named(store, described):
    problem = (
        "^PixelEncoder takes at least one image, but .* choose MlpEncoder. The observation "
        rf"consists of observation/offset \(float32 \[2\]\), {described}. If observation/rgb is an "
        "image, declare how it is stored by Normalizer.image_formats = "
    )
    with pytest.raises(errors.ObservationError, match=problem):
        make_agent(store)


def test_gin_declares_an_image_also_from_the_operative_config():
    configurables.register()
    gin.parse_config(
        """
        Normalizer.image_formats = {'observation/rgb': @camera/ImageFormat()}
        camera/ImageFormat.axes = 'CHW'
        camera/ImageFormat.white = 1.0
        """
    )
    make_agent(as_floats)
    operative = gin.operative_config_str()
    gin.clear_config()
    gin.parse_config(operative)
    agent = make_agent(as_floats)
    rgb = DEMONSTRATIONS.observation["rgb"]
    observation = {**DEMONSTRATIONS.observation, "rgb": as_floats(rgb)}
    np.testing.assert_array_equal(agent.normalizer.normalize_observation(observation)["rgb"], rgb)


def test_an_image_before_a_network_of_vectors_is_named():
    with pytest.raises(errors.ObservationError, match=r"choose PixelEncoder. The .*rgb \(uint8"):
        make_agent(encoder=networks.MlpEncoder(width=8, depth=2))


def test_images_too_small_for_a_network_are_named():
    encoder = networks.PixelEncoder([networks.ConvMaxPool((4,) * 5)])
    with pytest.raises(errors.ObservationError, match=r"^5 max-pools need .*rgb \(uint8 \[16, 20"):
        make_agent(encoder=encoder)
