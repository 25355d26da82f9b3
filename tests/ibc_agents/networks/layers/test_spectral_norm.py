"""Spectrally normalized dense layers."""

import gin
import numpy as np
import pytest
import tensorflow as tf

from ibc_agents import networks
from tests.ibc_agents import helpers


def make(units=6, inputs=9, **kwargs):
    tf.keras.utils.set_random_seed(0)
    layer = networks.SpectralNormDense(units, **kwargs)
    layer.build([None, inputs])
    return layer


def state(layer):
    return layer.non_trainable_variables[0].numpy()


def largest_singular_value(kernel):
    return np.linalg.svd(np.asarray(kernel, np.float64), compute_uv=False)[0]


def matrix(layer, inputs=9, training=False):
    """Returns the matrix that the layer multiplies by."""
    zero = tf.zeros([1, inputs])
    return (layer(tf.eye(inputs), training=training) - layer(zero, training=training)).numpy()


@pytest.mark.parametrize("units", [1, 6, 20])
def test_a_new_layer_divides_by_the_largest_singular_value(units):
    layer = make(units)
    kernel = layer.kernel.numpy()
    expected = kernel / largest_singular_value(kernel)
    np.testing.assert_allclose(matrix(layer), expected, rtol=1e-2, atol=1e-3)


def test_equals_a_dense_layer_with_the_divided_kernel_in_any_rank():
    layer = make(activation="relu", bias_initializer="random_normal")
    dense = tf.keras.layers.Dense(6, activation="relu")
    for shape in ([4, 9], [4, 3, 9], [2, 4, 3, 9]):
        inputs = tf.random.normal(shape)
        dense(inputs)
        dense.set_weights([layer.kernel / largest_singular_value(layer.kernel), layer.bias])
        outputs = layer(inputs)
        assert outputs.shape == [*shape[:-1], 6]
        np.testing.assert_allclose(outputs, dense(inputs), rtol=1e-2, atol=1e-2)
    assert len(make(use_bias=False).trainable_variables) == 1


def test_follows_a_changing_kernel():
    layer, rng = make(), np.random.default_rng(0)
    layer.kernel.assign(rng.normal(size=[9, 6]))
    for _ in range(200):
        matrix(layer, training=True)
        layer.kernel.assign_add(rng.normal(size=[9, 6]) * 1e-3)
    assert largest_singular_value(matrix(layer)) == pytest.approx(1.0, abs=1e-2)


def test_only_training_updates_the_state_and_never_the_weights():
    layer, inputs = make(), tf.random.normal([4, 9])
    layer.kernel.assign(tf.random.normal([9, 6]))
    kernel, u = layer.kernel.numpy(), state(layer)
    layer(inputs)
    layer(inputs, training=False)
    np.testing.assert_array_equal(state(layer), u)
    layer(inputs, training=True)
    assert (state(layer) != u).any()
    np.testing.assert_array_equal(layer.kernel, kernel)


def test_a_call_after_a_training_call_gives_equal_values():
    layer, inputs = make(), tf.random.normal([4, 9])
    layer.kernel.assign(tf.random.normal([9, 6]))
    trained = layer(inputs, training=True)
    np.testing.assert_array_equal(layer(inputs), trained)


def test_more_iterations_per_call_are_more_accurate():
    def error(num_iterations):
        layer = make(num_iterations=num_iterations)
        layer.kernel.assign(tf.random.stateless_normal([9, 6], [0, 1]))
        return abs(largest_singular_value(matrix(layer, training=True)) - 1)

    assert error(50) < 1e-5 < error(1)


def converged():
    layer = make(num_iterations=200)
    layer(tf.zeros([1, 9]), training=True)
    return layer


def test_gradient_includes_the_singular_value():
    """d⟨G, W/σ⟩/dW = (G − ⟨G, W/σ⟩ v uᵀ)/σ with u, v held fixed."""
    layer = converged()
    of_matrix = np.random.default_rng(0).normal(size=[9, 6])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(tf.eye(9)) * of_matrix)
    kernel = layer.kernel.numpy().astype(np.float64)
    left, values, right = np.linalg.svd(kernel)
    direction = np.outer(left[:, 0], right[0])
    slope = (of_matrix * kernel).sum() / values[0]
    expected = (of_matrix - slope * direction) / values[0]
    np.testing.assert_allclose(tape.gradient(loss, layer.kernel), expected, rtol=1e-3, atol=1e-3)


def test_second_order_gradients_against_finite_differences():
    """Differentiates a penalty on the input gradient by the kernel."""
    layer, inputs = converged(), tf.random.stateless_normal([4, 9], [0, 2])

    def penalty():
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            energy = tf.reduce_sum(tf.square(layer(inputs)))
        return tf.reduce_sum(tf.square(tape.gradient(energy, inputs)))

    with tf.GradientTape() as tape:
        value = penalty()
    gradient = tape.gradient(value, layer.kernel).numpy()
    kernel, step = layer.kernel.numpy(), 1e-2
    for index in [(0, 0), (3, 2), (8, 5)]:
        change = np.zeros_like(kernel)
        change[index] = step
        ends = []
        for sign in (1, -1):
            layer.kernel.assign(kernel + sign * change)
            layer(inputs, training=True)
            ends.append(penalty())
        slope = (ends[0] - ends[1]) / (2 * step)
        np.testing.assert_allclose(gradient[index], slope, rtol=2e-2, atol=2e-2)


def test_gradients_in_a_while_loop_are_those_of_plain_calls():
    """A Langevin chain runs in such a loop."""
    layer, start = make(), tf.random.normal([4, 9])

    def descend(actions):
        with tf.GradientTape() as tape:
            tape.watch(actions)
            energy = tf.reduce_sum(tf.square(layer(actions)))
        return actions - 0.1 * tape.gradient(energy, actions)

    looped = tf.function(
        lambda: tf.while_loop(
            lambda k, _: k < 5, lambda k, actions: (k + 1, descend(actions)), (0, start)
        )[1],
        autograph=False,
    )
    plain = start
    for _ in range(5):
        plain = descend(plain)
    np.testing.assert_allclose(looped(), plain, rtol=1e-5, atol=1e-5)


def test_a_zero_kernel_gives_finite_values():
    layer = make(kernel_initializer="zeros")
    np.testing.assert_array_equal(layer(tf.ones([2, 9]), training=True), np.zeros([2, 6]))
    # A later nonzero kernel is normalized.
    kernel = np.random.default_rng(0).normal(0, 5, [9, 6]).astype(np.float32)
    layer.kernel.assign(kernel)
    for _ in range(50):
        layer(tf.ones([2, 9]), training=True)
    expected = kernel / np.linalg.norm(kernel, ord=2)
    np.testing.assert_allclose(layer(tf.eye(9)), expected, rtol=1e-3, atol=1e-4)
    assert np.isfinite(state(layer)).all()


def make_pair():
    first = make()
    second = first.second_input()
    second.build([None, 4])
    return first, second


def test_a_second_input_is_normalized_with_the_first():
    first, second = make_pair()
    stacked = np.concatenate([first.kernel, second.kernel])
    expected = stacked / largest_singular_value(stacked)
    found = np.concatenate([matrix(first), matrix(second, inputs=4)])
    np.testing.assert_allclose(found, expected, rtol=1e-2, atol=1e-3)
    assert [len(layer.trainable_variables) for layer in (first, second)] == [2, 1]
    assert not second.non_trainable_variables


def test_calls_of_the_first_layer_update_the_state_of_both():
    first, second = make_pair()
    for layer in (first, second):
        layer.kernel.assign(tf.random.normal(layer.kernel.shape))
    u = state(first)
    second(tf.ones([1, 4]), training=True)
    np.testing.assert_array_equal(state(first), u)
    for _ in range(50):
        first(tf.ones([1, 9]), training=True)
    found = np.concatenate([matrix(first), matrix(second, inputs=4)])
    assert largest_singular_value(found) == pytest.approx(1.0, abs=1e-3)


def test_a_second_input_has_the_initializer_of_the_first():
    first = make(200, kernel_initializer="random_normal")
    second = first.second_input()
    second.build([None, 200])
    assert np.std(second.kernel) == pytest.approx(0.05, rel=0.05)
    assert (first.kernel.numpy() != second.kernel.numpy()[:9]).all()


def test_zero_iterations_raise():
    with pytest.raises(ValueError, match="num_iterations must be an integer of at least 1"):
        networks.SpectralNormDense(3, num_iterations=0)


def test_gin_configures_it_in_energies_and_encoders():
    gin.parse_config(
        """
        MlpEnergyNetwork.dense = @SpectralNormDense
        MlpEnergyNetwork.encoder = @MlpEncoder()
        MlpEncoder.dense = @SpectralNormDense
        SpectralNormDense.num_iterations = 3
        """
    )
    network = networks.MlpEnergyNetwork(width=8, depth=2)
    network((helpers.make_experience(3, 2).observation, tf.zeros([3, 4, 2])))
    dense = [m for m in network.submodules if isinstance(m, tf.keras.layers.Dense)]
    assert len(dense) == 5 + 5
    assert all(isinstance(layer, networks.SpectralNormDense) for layer in dense)
    assert all(layer._num_iterations == 3 for layer in dense)
