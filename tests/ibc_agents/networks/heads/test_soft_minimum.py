"""The energy as the soft minimum of several basins."""

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents import networks


def by_the_formula(weights, inputs, num_basins):
    """Returns the energy by the documented formula, one basin after another."""
    steepness, flank, kernel, bias, slopes, heights = weights
    basins = [
        np.exp(flank)
        * np.log1p(np.exp(steepness) * np.sum((inputs @ kernel_k + bias_k) ** 2, axis=1))
        + inputs @ slopes[:, k]
        + heights[k]
        for k, (kernel_k, bias_k) in enumerate(
            zip(np.split(kernel, num_basins, 1), np.split(bias, num_basins), strict=True)
        )
    ]
    return -np.log(np.sum(np.exp(-np.stack(basins)), axis=0))


@pytest.mark.parametrize("num_basins", [1, 3])
def test_equals_the_documented_formula(num_basins):
    tf.keras.utils.set_random_seed(0)
    layer = networks.SoftMinimum(units=5, num_basins=num_basins)
    inputs = tf.random.normal([7, 3]).numpy()
    layer(inputs)
    assert np.isclose(layer.get_weights()[0], -np.log(5))
    layer.set_weights([weight + 0.3 for weight in layer.get_weights()])
    expected = by_the_formula(layer.get_weights(), inputs, num_basins)
    np.testing.assert_allclose(layer(inputs)[:, 0], expected, rtol=1e-5)


def test_the_lowest_basin_attracts_from_the_center_of_another():
    """Parabolas would trap chains that start in them."""
    layer = networks.SoftMinimum(units=1, num_basins=2)
    layer(tf.zeros([1, 1]))
    steepness, flank = np.log(100.0), np.log(4.0)
    kernel, bias, slopes, heights = [[1.0, 1.0]], [-1.0, 1.0], [[0.0, 0.0]], [0.0, 40.0]
    weights = steepness, flank, kernel, bias, slopes, heights
    layer.set_weights([np.array(weight) for weight in weights])
    places = tf.Variable([[-1.0], [0.0], [3.0]])
    for _ in range(300):
        with tf.GradientTape() as tape:
            energy = layer(places)
        places.assign_sub(0.01 * tf.sign(tape.gradient(energy, places)))
    np.testing.assert_allclose(places, np.ones([3, 1]), atol=0.02)


def test_every_variable_has_a_gradient():
    layer = networks.SoftMinimum(units=2, num_basins=3)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(tf.ones([1, 3])))
    gradients = tape.gradient(loss, layer.trainable_variables)
    assert len(gradients) == 6
    assert all(gradient is not None for gradient in gradients)


@pytest.mark.parametrize("option", ["units", "num_basins"])
def test_zero_basins_are_rejected(option):
    with pytest.raises(
        ValueError, match=f"SoftMinimum.{option} must be an integer of at least 1, got 0"
    ):
        networks.SoftMinimum(**{option: 0})
