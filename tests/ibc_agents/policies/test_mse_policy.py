"""The explicit policy of the MSE baseline."""

import numpy as np
from tf_agents.networks import network

from ibc_agents import policies
from tests.ibc_agents import helpers


class Goal(network.Network):
    """Returns a multiple of the newest normalized goal."""

    def __init__(self, factor):
        super().__init__(name="Goal")
        self._factor = factor

    def call(self, observation, step_type=None, network_state=(), training=False):
        return self._factor * observation["goal"][:, -1], network_state


def act(factor):
    normalizer = helpers.make_normalizer()
    policy = policies.MsePolicy(
        helpers.TIME_STEP_SPEC, helpers.ACTION_SPEC, Goal(factor), normalizer, window=2
    )
    time_step = helpers.make_time_step(6)
    action = policy.action(time_step, policy.get_initial_state(6)).action
    scaled = factor * normalizer.normalize_observation(time_step.observation)["goal"]
    return normalizer, action, scaled


def test_action_is_the_networks_output_in_raw_units():
    normalizer, action, scaled = act(0.3)
    np.testing.assert_allclose(action, normalizer.unscale_action(scaled), atol=1e-6)


def test_action_is_clipped_to_the_normalizers_bounds():
    normalizer, action, scaled = act(50.0)
    low, high = (normalizer.unscale_action(bound).numpy() for bound in normalizer.bounds)
    expected = np.where(scaled.numpy() > 0, high, low)
    np.testing.assert_allclose(action, expected, atol=1e-5)
