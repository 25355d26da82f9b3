"""Noise on vectors."""

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents.networks import noise


def test_is_normal_of_the_given_deviation_and_different_everywhere():
    inputs = tf.fill([400, 100], 3.0)
    added = noise.Noise(0.5)(inputs, training=True).numpy() - 3.0
    # 40,000 draws: five standard deviations of their mean, deviation and share within one.
    assert abs(added.mean()) < 5 * 0.5 / 200
    assert abs(added.std() - 0.5) < 5 * 0.5 / np.sqrt(2 * 40_000)
    assert abs((np.abs(added) < 0.5).mean() - 0.6827) < 5 * np.sqrt(0.6827 * 0.3173 / 40_000)
    assert len(np.unique(added[:, 0])) > 390 and len(np.unique(added[0])) > 90


@pytest.mark.parametrize("stddev", [-0.1, float("nan")])
def test_a_negative_deviation_raises(stddev):
    with pytest.raises(ValueError, match="must not be negative"):
        noise.Noise(stddev)
