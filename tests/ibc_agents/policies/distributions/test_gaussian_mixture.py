"""The mixture of Gaussians of MDN policies, compared with NumPy in float64."""

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents import networks, policies
from tests.ibc_agents import helpers

TEMPERATURES = pytest.mark.parametrize("temperature", [1.0, 2.5, 0.5])


def make(parameters, temperature=1.0):
    return policies.GaussianMixture.from_parameters(parameters, temperature)


def mixture(weights, means, stddevs):
    """Returns a mixture of isotropic components: weights [K], means [K, A], stddevs [K]."""
    means = np.array(means, np.float32)
    stddevs = np.broadcast_to(np.array(stddevs, np.float32)[:, None], means.shape)
    return networks.MixtureParameters(
        tf.math.log(tf.constant([weights], tf.float32)),
        tf.constant(means[None]),
        tf.constant(stddevs[None]),
    )


@TEMPERATURES
@pytest.mark.parametrize("action_size", [1, 2, 30])
def test_log_density_agrees_with_numpy(temperature, action_size):
    parameters = helpers.make_mixture(5, 26, action_size)
    rng = np.random.default_rng(1)
    actions = rng.uniform(-1.2, 1.2, (40, 5, action_size)).astype(np.float32)
    distribution = make(parameters, temperature)
    assert distribution.batch_shape == (5,) and distribution.event_shape == (action_size,)
    expected = helpers.mixture_log_density(parameters, actions, temperature)
    np.testing.assert_allclose(distribution.log_prob(actions), expected, rtol=1e-4, atol=1e-4)


def test_log_density_beyond_the_range_of_float32_densities():
    """e^1000 and e^−10,000,000 are valid, because only logarithms are computed."""
    sharp = mixture([1.0], np.zeros([1, 500]), [1e-2])
    for parameters, actions in [
        (sharp, np.zeros([1, 500])),
        (sharp, np.full([1, 500], 2.0)),
        (mixture([1.0, 1e-30], [[-1.0], [1.0]], [1e-3, 1e-3]), np.array([[1.0]])),
    ]:
        expected = helpers.mixture_log_density(parameters, actions)
        assert np.abs(expected) > 50
        log_density = make(parameters).log_prob(tf.constant(actions, tf.float32))
        np.testing.assert_allclose(log_density, expected, rtol=1e-5)


def test_density_integrates_to_one():
    parameters = helpers.make_mixture(3, 6, 1)
    grid = np.linspace(-6, 6, 60_001, dtype=np.float32)
    densities = np.exp(make(parameters).log_prob(np.tile(grid[:, None, None], (1, 3, 1))))
    np.testing.assert_allclose(
        densities.sum(axis=0, dtype=np.float64) * (12 / 60_000), 1, rtol=1e-3
    )


@TEMPERATURES
def test_temperature_raises_the_weights_to_its_inverse(temperature):
    parameters = mixture([0.5, 0.3, 0.2], [[-1.0], [0.0], [1.0]], [0.1, 0.1, 0.1])
    powers = np.array([0.5, 0.3, 0.2]) ** (1 / temperature)
    distribution = make(parameters, temperature)
    weights = distribution.mixture_distribution.probs_parameter()
    np.testing.assert_allclose(weights, [powers / powers.sum()], rtol=1e-5)
    np.testing.assert_array_equal(distribution.components_distribution.mean(), parameters.means)
    np.testing.assert_array_equal(distribution.components_distribution.stddev(), parameters.stddevs)


def test_mode_agrees_with_a_grid_search():
    """The components are at least 5 standard deviations apart."""
    rng = np.random.default_rng(0)
    line = np.linspace(-1, 1, 201)
    grid = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 1, 2)
    corners = np.array([[-0.6, -0.6], [-0.6, 0.6], [0.6, -0.6], [0.6, 0.6], [0.0, 0.0]])
    chosen = set()
    for _ in range(20):
        parameters = mixture(
            rng.dirichlet(np.ones(5)),
            corners + rng.uniform(-0.1, 0.1, (5, 2)),
            rng.uniform(0.03, 0.13, 5),
        )
        density = helpers.mixture_log_density(parameters, grid)[:, 0]
        mode = make(parameters).mode().numpy()[0]
        np.testing.assert_allclose(mode, grid[density.argmax(), 0], atol=0.011)
        chosen.add(tuple(np.sign(np.round(mode))))
    assert len(chosen) > 2


def test_mode_is_the_component_mean_of_highest_density():
    for action_size in (1, 2, 10):
        parameters = helpers.make_mixture(50, 26, action_size, seed=action_size)
        means = parameters.means.numpy()
        density = helpers.mixture_log_density(parameters, np.swapaxes(means, 0, 1))
        expected = means[np.arange(50), density.argmax(axis=0)]
        np.testing.assert_array_equal(make(parameters).mode(), expected)
        heaviest = means[np.arange(50), np.argmax(parameters.logits, axis=1)]
        assert (expected != heaviest).any()


def test_mode_may_differ_from_the_largest_weight():
    broad = mixture([0.7, 0.3], [[-0.5], [0.5]], [0.5, 0.02])
    np.testing.assert_allclose(make(broad).mode(), [[0.5]])
    together = mixture([0.4, 0.3, 0.3], [[-0.5], [0.5], [0.5]], [0.1, 0.1, 0.1])
    np.testing.assert_allclose(make(together).mode(), [[0.5]])


def test_samples_follow_the_weights_and_each_component():
    """The components are far apart, so that every sample identifies its component."""
    weights, centers, stddevs = [0.5, 0.3, 0.15, 0.05], [-0.9, -0.3, 0.3, 0.9], [0.02, 0.05] * 2
    parameters = mixture(weights, np.stack([centers, np.negative(centers)], axis=1), stddevs)
    count = 20_000
    samples = make(parameters).sample(count, seed=5).numpy()[:, 0]
    assert samples.shape == (count, 2)
    source = np.abs(samples[:, :1] - centers).argmin(axis=1)
    expected = count * np.array(weights)
    chi_square = np.sum((np.bincount(source) - expected) ** 2 / expected)
    assert chi_square < 16.3  # the 0.999 quantile at 3 degrees of freedom
    for k, (center, stddev) in enumerate(zip(centers, stddevs, strict=True)):
        own = samples[source == k]
        # Four standard errors of a mean and of a standard deviation.
        tolerance = 4 * stddev / np.sqrt(len(own))
        np.testing.assert_allclose(own.mean(axis=0), [center, -center], atol=tolerance)
        np.testing.assert_allclose(own.std(axis=0), stddev, atol=tolerance)


def test_equal_seeds_give_equal_samples():
    distribution = make(helpers.make_mixture(3, 4, 2))
    one, same, other = (distribution.sample(5, seed=[1, seed]) for seed in (2, 2, 3))
    np.testing.assert_array_equal(one, same)
    assert (one != other).numpy().all()
