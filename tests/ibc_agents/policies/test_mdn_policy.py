"""The explicit policy of the mixture-density baseline."""

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.networks import network

from ibc_agents import networks, policies
from tests.ibc_agents import helpers


class TwoActions(network.Network):
    """Components at plus and minus the newest normalized goal with weights 0.6 and 0.4."""

    def __init__(self, factor, stddevs):
        super().__init__(name="TwoActions")
        self._factor = factor
        self._stddevs = stddevs

    def call(self, observation, step_type=None, network_state=(), training=False):
        goal = self._factor * observation["goal"][:, -1]
        means = tf.stack([goal, -goal], axis=1)
        parameters = networks.MixtureParameters(
            tf.tile(tf.math.log([[0.6, 0.4]]), [tf.shape(goal)[0], 1]),
            means,
            tf.ones_like(means) * tf.constant(self._stddevs)[:, None],
        )
        return parameters, network_state


def make_policy(factor=0.3, stddevs=(0.02, 0.02), **kwargs):
    return policies.MdnPolicy(
        helpers.TIME_STEP_SPEC,
        helpers.ACTION_SPEC,
        TwoActions(factor, stddevs),
        helpers.make_normalizer(),
        window=2,
        **kwargs,
    )


def act(policy, seed=0):
    """Returns the scaled action and the normalized goal, [6, 2] each."""
    time_step, state = helpers.make_time_step(6), policy.get_initial_state(6)
    state = {**state, "seed": tf.fill([6, 2], seed)}
    action = policy.action(time_step, state).action
    goal = helpers.make_normalizer().normalize_observation(time_step.observation)["goal"]
    return helpers.make_normalizer().scale_action(action).numpy(), goal.numpy()


def test_action_is_the_mode_in_raw_units():
    scaled, goal = act(make_policy())
    np.testing.assert_allclose(scaled, 0.3 * goal, atol=1e-5)
    scaled, goal = act(make_policy(stddevs=(0.05, 0.02)))
    np.testing.assert_allclose(scaled, -0.3 * goal, atol=1e-5)


def test_action_does_not_depend_on_the_seed():
    np.testing.assert_array_equal(act(make_policy(), seed=1)[0], act(make_policy(), seed=2)[0])


def test_temperature_divides_the_logits():
    """The smaller weight has 2.56 times the density: from a power of 3 on, the larger one wins."""
    stddevs = (0.032, 0.02)
    for temperature, sign in ((1.0, -1), (0.5, -1), (0.3, 1)):
        policy = make_policy(stddevs=stddevs, temperature=temperature)
        scaled, goal = act(policy)
        np.testing.assert_allclose(scaled, sign * 0.3 * goal, atol=1e-5)


def test_action_is_clipped_to_the_normalizers_bounds():
    policy = make_policy(factor=50.0)
    low, high = (bound.numpy() for bound in helpers.make_normalizer().bounds)
    scaled, goal = act(policy)
    np.testing.assert_allclose(scaled, np.where(goal > 0, high, low), atol=1e-5)


def test_samples_of_the_distribution_follow_the_mixture():
    policy = make_policy()
    time_step, state = helpers.make_time_step(6), policy.get_initial_state(6)
    count = 4000
    drawn = policy.distribution(time_step, state).action.sample(count, seed=[3, 4])
    scaled = helpers.make_normalizer().scale_action(drawn).numpy()
    goal = helpers.make_normalizer().normalize_observation(time_step.observation)["goal"].numpy()
    size = np.linalg.norm(goal, axis=-1)
    along = np.sum(scaled * goal, axis=-1) / size
    row = np.argmax(size)
    # Four standard errors of a proportion and of a mean.
    np.testing.assert_allclose((along[:, row] > 0).mean(), 0.6, atol=4 * np.sqrt(0.24 / count))
    sides = np.abs(along[:, row])
    np.testing.assert_allclose(sides.mean(), 0.3 * size[row], atol=4 * 0.02 / np.sqrt(count))


@pytest.mark.parametrize("temperature", [0.0, -1.0])
def test_a_nonpositive_temperature_raises(temperature):
    with pytest.raises(ValueError, match=f"temperature must be positive, got {temperature}"):
        make_policy(temperature=temperature)
