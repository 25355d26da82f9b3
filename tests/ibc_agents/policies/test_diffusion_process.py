"""Noise levels, and samples with a known denoiser."""

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents import policies
from ibc_agents.core import errors
from tests.ibc_agents import helpers


def test_signal_falls_from_one_to_zero():
    signal = policies.DiffusionProcess().signal
    assert signal.shape == (100,) and signal.dtype == np.float32
    assert 0.999 < signal[0] < 1.0 and 0 < signal[-1] < 1e-3
    assert (np.diff(signal) < 0).all()


def test_noisy_actions_have_the_variance_of_their_level():
    process = policies.DiffusionProcess(num_levels=10, num_steps=1)
    noise = tf.random.stateless_normal([20_000, 1], [0, 1])
    for level in range(10):
        levels = tf.fill([20_000], level)
        noisy = process.add_noise(tf.fill([20_000, 1], 0.5), noise, levels).numpy()
        signal = process.signal[level]
        assert noisy.mean() == pytest.approx(0.5 * np.sqrt(signal), abs=0.03)
        assert noisy.var() == pytest.approx(1 - signal, abs=0.03)


@pytest.mark.parametrize("num_steps", [1, 2, 16, 100])
def test_the_exact_denoiser_of_one_action_finds_it(num_steps):
    process = policies.DiffusionProcess(num_steps=num_steps)
    action = tf.constant([[0.3, -0.7]])

    def denoise(actions, levels):
        signal = tf.gather(process.signal, levels)[:, None]
        return (actions - tf.sqrt(signal) * action) / tf.sqrt(1 - signal)

    noise = tf.random.stateless_normal([50, 2], [0, 1])
    found = process.sample(denoise, noise, helpers.UNIT_BOUNDS)
    np.testing.assert_allclose(found, np.broadcast_to(action, [50, 2]), atol=1e-4)


def test_samples_of_a_normal_density_have_its_variance():
    """The exact denoiser of N(0, s²) is linear."""
    process, stddev = policies.DiffusionProcess(num_steps=50), 0.2

    def denoise(actions, levels):
        signal = tf.gather(process.signal, levels)[:, None]
        return tf.sqrt(1 - signal) / (signal * stddev**2 + 1 - signal) * actions

    noise = tf.random.stateless_normal([5_000, 2], [0, 1])
    found = process.sample(denoise, noise, helpers.UNIT_BOUNDS).numpy()
    np.testing.assert_allclose(found.std(axis=0), stddev, rtol=0.1)


def test_samples_are_within_the_bounds():
    process = policies.DiffusionProcess(num_steps=5)
    noise = tf.random.stateless_normal([50, 2], [0, 1])
    bounds = helpers.make_bounds([-0.5, -1.0], [0.5, 0.0])
    found = process.sample(lambda actions, levels: -10.0 * actions, noise, bounds).numpy()
    assert np.all(found >= bounds.low) and np.all(found <= bounds.high)


@pytest.mark.parametrize(
    "settings, message",
    [
        (dict(num_levels=0, num_steps=1), "num_levels must be an integer of at least 1, got 0"),
        (dict(num_steps=0), "num_steps must be an integer of at least 1, got 0"),
        (dict(num_levels=10, num_steps=11), "num_steps must be an integer of at most 10, got 11"),
    ],
)
def test_invalid_numbers_raise(settings, message):
    with pytest.raises(errors.SettingError, match=message):
        policies.DiffusionProcess(**settings)
