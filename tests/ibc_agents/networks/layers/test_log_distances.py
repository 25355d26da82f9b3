"""Learned distances as features."""

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents import networks


def test_is_the_logarithm_of_mean_squares():
    distances = networks.LogDistances(num_distances=3, units=2, floor=0.01)
    inputs = np.random.default_rng(0).normal(size=[5, 4]).astype(np.float32)
    features = distances(inputs)
    kernel, bias = (variable.numpy() for variable in distances.trainable_variables)
    differences = (inputs @ kernel + bias).reshape([5, 3, 2])
    np.testing.assert_allclose(features, np.log((differences**2).mean(-1) + 0.01), rtol=1e-4)


def test_small_distances_differ_by_their_ratio():
    distances = networks.LogDistances(num_distances=1, units=8, floor=1e-12)
    position, direction = np.ones([2, 4], np.float32), np.full([1, 4], 0.5, np.float32)
    distances(np.zeros([1, 8]))
    compare = np.concatenate([np.eye(4), -np.eye(4)])
    distances.set_weights([np.concatenate([compare, compare], axis=1), np.zeros(8)])
    goal = position + direction * np.array([[0.001], [0.002]], np.float32)
    near, twice = distances(np.concatenate([position, goal], axis=1)).numpy()[:, 0]
    assert twice - near == pytest.approx(np.log(4.0), rel=1e-3)


def test_zero_distance_has_a_finite_gradient():
    distances = networks.LogDistances(num_distances=2, units=2)
    inputs = tf.zeros([1, 3])
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        features = distances(inputs)
    np.testing.assert_allclose(features, np.log(1e-4), rtol=1e-4)
    np.testing.assert_array_equal(tape.gradient(features, inputs), 0.0)


def test_has_noise_in_training_only():
    noise = networks.Noise(0.1, 0.1)
    distances = networks.LogDistances(num_distances=3, units=2, noise=noise)
    inputs = tf.ones([4, 5])
    in_training = [distances(inputs, training=True).numpy() for _ in range(2)]
    plain = networks.LogDistances(num_distances=3, units=2)
    plain(inputs)
    plain.set_weights([variable.numpy() for variable in distances.trainable_variables])
    np.testing.assert_array_equal(distances(inputs), plain(inputs, training=True))
    assert (in_training[0] != in_training[1]).all()
    assert (in_training[0] != plain(inputs).numpy()).all()


@pytest.mark.parametrize("name", ["num_distances", "units", "floor"])
def test_invalid_numbers_raise(name):
    with pytest.raises(ValueError, match=f"LogDistances.{name} must be .*, got 0"):
        networks.LogDistances(**{name: 0})
