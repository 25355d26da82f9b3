"""Noise on vectors."""

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents import networks

INPUTS = tf.fill([2000, 100], 3.0)


def added(min_stddev, max_stddev):
    noise = networks.Noise(min_stddev, max_stddev)
    return noise(INPUTS, training=True).numpy() - 3.0


def test_noise_is_normal_and_independent():
    noise = added(0.5, 0.5)
    # 200,000 draws: five standard deviations of their mean, deviation and share within one.
    assert abs(noise.mean()) < 5 * 0.5 / np.sqrt(200_000)
    assert abs(noise.std() - 0.5) < 5 * 0.5 / np.sqrt(2 * 200_000)
    assert abs((np.abs(noise) < 0.5).mean() - 0.6827) < 5 * np.sqrt(0.6827 * 0.3173 / 200_000)
    assert len(np.unique(noise[:, 0])) > 1990 and len(np.unique(noise[0])) > 90


def test_each_vector_has_a_log_uniform_size():
    logarithms = np.log(added(0.01, 1.0).std(axis=1)) / np.log(0.01)
    # The standard error is 7 % (0.016) for a deviation of 100 draws, and 0.011 for a quantile.
    quartiles = np.quantile(logarithms, [0.25, 0.5, 0.75])
    np.testing.assert_allclose(quartiles, [0.25, 0.5, 0.75], atol=0.06)
    assert logarithms.min() > -0.08 and logarithms.max() < 1.08


@pytest.mark.parametrize("sizes", [(0.0, 0.1), (-0.1, 0.1), (0.2, 0.1)])
def test_sizes_out_of_range_raise(sizes):
    with pytest.raises(ValueError, match="Noise.min_stddev must be (a number|at most max_stddev)"):
        networks.Noise(*sizes)
