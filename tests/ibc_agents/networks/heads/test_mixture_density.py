"""The network of the mixture-density baseline."""

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents import networks, policies
from ibc_agents.networks.heads import mixture_density
from tests.ibc_agents import helpers


def make_network(action_size=2, width=16, depth=2, seed=0, **kwargs):
    tf.keras.utils.set_random_seed(seed)
    encoder = networks.MlpEncoder(width=width, depth=depth)
    return networks.MixtureDensityNetwork(action_size, encoder, **kwargs)


def observe(batch_size, scale=1.0):
    """Returns windows of two frames with standard deviation `scale`."""
    rng = np.random.default_rng(0)
    return {
        key: tf.constant(scale * rng.normal(size=(batch_size, 2, 2)), tf.float32)
        for key in ("goal", "position")
    }


def test_gives_the_parameters_of_k_components():
    network = make_network(action_size=3, num_components=5)
    parameters, state = network(observe(7), network_state=())
    assert isinstance(parameters, networks.MixtureParameters) and state == ()
    assert [tuple(p.shape) for p in parameters] == [(7, 5), (7, 5, 3), (7, 5, 3)]
    assert all(p.dtype == tf.float32 for p in parameters)
    assert make_network()(observe(1))[0].logits.shape == (1, 26)  # the paper's K


@pytest.mark.parametrize("width", [16, 512])
def test_initial_means_cover_the_data_for_any_observation(width):
    """Means cover every dimension evenly; standard deviations and weights are equal."""
    parameters, _ = make_network(width=width)(observe(64))
    even = (2 * np.arange(26) + 1) / 26 - 1
    means = parameters.means.numpy()
    np.testing.assert_allclose(np.sort(means.mean(axis=0), axis=0).T, [even, even], atol=0.1)
    assert means.std(axis=0).max() < 0.3
    np.testing.assert_allclose(parameters.stddevs, np.log(2) + 0.05, atol=0.5)
    assert tf.nn.softmax(parameters.logits).numpy().max() < 3 / 26


def test_layers_draw_their_own_weights():
    network = make_network()
    network(observe(1))
    kernels = [layer.kernel.numpy() for layer in (network._means, network._widths)]
    assert (kernels[0] != kernels[1]).all()


@pytest.mark.parametrize(("num_points", "dimension"), [(1, 3), (26, 1), (26, 30)])
def test_latin_hypercube_covers_every_dimension_evenly(num_points, dimension):
    tf.keras.utils.set_random_seed(3)
    initializer = mixture_density.LatinHypercube(num_points, dimension)
    points = initializer([num_points * dimension]).numpy().reshape(num_points, dimension)
    even = (2 * np.arange(num_points) + 1) / num_points - 1
    np.testing.assert_allclose(np.sort(points, axis=0), np.stack([even] * dimension, 1), atol=1e-6)
    if num_points > 1:
        assert len(np.unique(points, axis=1).T) == dimension  # each dimension has its own order


def test_equal_seeds_give_equal_networks():
    one, same, other = (make_network(seed=seed)(observe(4))[0] for seed in (0, 0, 1))
    for a, b, c in zip(one, same, other, strict=True):
        np.testing.assert_array_equal(a, b)
        assert (a.numpy() != c.numpy()).any()


def test_standard_deviations_stay_above_their_floor_with_a_gradient():
    network = make_network(min_stddev=0.2)
    network(observe(1))
    for bias, expected in [(0.0, 0.2 + np.log(2)), (-5.0, 0.2 + np.log1p(np.exp(-5))), (-1e6, 0.2)]:
        network._widths.bias.assign(tf.fill(network._widths.bias.shape, bias))
        network._widths.kernel.assign(tf.zeros_like(network._widths.kernel))
        with tf.GradientTape() as tape:
            stddevs = network(observe(3))[0].stddevs
        np.testing.assert_allclose(stddevs, np.full([3, 26, 2], expected), rtol=1e-6)
        if bias > -100:
            assert (tape.gradient(stddevs, network._widths.bias).numpy() > 1e-3).all()


@pytest.mark.parametrize("scale", [1.0, 1e4], ids=["usual", "outliers"])
@pytest.mark.parametrize(("width", "depth"), [(2048, 8), (16, 2)])
def test_large_networks_and_outliers_keep_everything_finite(width, depth, scale):
    """This includes the gradient norm; otherwise the step would be skipped."""
    network = make_network(width=width, depth=depth, min_stddev=1e-3)
    actions = helpers.make_mixture(16, 1, 2).means[:, 0]
    with tf.GradientTape() as tape:
        parameters, _ = network(observe(16, scale))
        loss = -tf.reduce_mean(
            policies.GaussianMixture.from_parameters(parameters).log_prob(actions)
        )
    norm = tf.linalg.global_norm(tape.gradient(loss, network.trainable_variables))
    for value in (*parameters, loss, norm):
        assert np.isfinite(value).all()
    assert norm > 0
    if scale == 1:
        assert abs(loss) < 5  # about that of a uniform density over [-1, 1]^2, log 4


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"num_components": 0}, "num_components must be an integer of at least 1, got 0"),
        ({"min_stddev": 0.0}, r"min_stddev must be a number in \(0, ∞\), got 0.0"),
    ],
)
def test_invalid_numbers_raise(bad, message):
    with pytest.raises(ValueError, match=message):
        make_network(**bad)
