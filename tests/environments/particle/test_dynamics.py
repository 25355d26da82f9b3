"""The dynamics agree with matrix powers, brute force and the continuous motion."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from environments.particle import ParticleEnvironment, dynamics

# One explicit Euler step as a matrix on (x, v, a), where a is the set point.
EULER = np.array([[1.0, 0.005, 0.0], [-0.05, 1 - 0.025, 0.05], [0.0, 0.0, 1.0]])


def recurrence(position, velocity, set_point, actions):
    """Computes `actions` actions of 10 integration steps each by a matrix power."""
    power = np.linalg.matrix_power(EULER, 10 * actions)
    state = np.stack([position, velocity, set_point])
    return np.tensordot(power, state, axes=1)[:2]


@given(st.integers(0, 2**32 - 1), st.integers(1, 50))
@settings(max_examples=30, deadline=None)
def test_simulate_is_the_linear_recurrence(seed, actions):
    position, velocity, set_point = np.random.default_rng(seed).uniform(-1, 1, [3, 4, 5])
    expected = recurrence(position, velocity, set_point, actions)
    for _ in range(actions):
        position, velocity = dynamics.simulate(position, velocity, set_point)
    np.testing.assert_allclose([position, velocity], expected, rtol=0, atol=1e-12)


def test_one_step_by_hand():
    """In explicit Euler, the position changes by the velocity before the step."""
    position, velocity = dynamics.simulate(np.zeros(1), np.zeros(1), np.ones(1))
    by_hand = np.zeros(2)
    for _ in range(10):
        x, v = by_hand
        by_hand = np.array([x + 0.005 * v, v + 0.005 * (10 * (1 - x) - 5 * v)])
    np.testing.assert_allclose([position[0], velocity[0]], by_hand, rtol=1e-14)


def test_follows_the_continuous_motion():
    """x'' = -10 x - 5 x' from x = 1 at rest: exp(-2.5 t)(cos wt + 2.5/w sin wt), w² = 3.75."""
    position, velocity = np.ones(1), np.zeros(1)
    omega = np.sqrt(10 - 2.5**2)
    for action in range(1, 51):
        position, velocity = dynamics.simulate(position, velocity, np.zeros(1))
        t = 0.05 * action
        exact = np.exp(-2.5 * t) * (np.cos(omega * t) + 2.5 / omega * np.sin(omega * t))
        assert abs(position[0] - exact) < 0.01


def test_inputs_do_not_change():
    arrays = [np.full(2, value) for value in (0.1, 0.2, 0.3)]
    dynamics.simulate(*arrays)
    np.testing.assert_array_equal(arrays, [[0.1, 0.1], [0.2, 0.2], [0.3, 0.3]])


def test_bounds_hold_for_all_sequences_of_extreme_set_points():
    """All 2^13 sequences of 0 and 1, held for 0.15 s each, over 1.8 s from both ends."""
    segments = 12
    corners = (np.arange(2 ** (segments + 1))[:, None] >> np.arange(segments + 1)) & 1
    position, velocity = corners[:, 0].astype(float), np.zeros(len(corners))
    highest = np.array([position.max(), 0.0])
    for action in range(3 * segments):
        position, velocity = dynamics.simulate(position, velocity, corners[:, 1 + action // 3])
        highest = np.maximum(highest, [position.max(), velocity.max()])
    (low, high), (slowest, fastest) = dynamics.reachable_bounds()
    assert 1.01 < highest[0] <= high and low == pytest.approx(1 - high)
    assert 1.3 < highest[1] <= fastest and slowest == -fastest


@pytest.mark.parametrize("key, index", [("pos_agent", 0), ("vel_agent", 1)])
@pytest.mark.parametrize("sign", [-1, 1])
def test_worst_case_actions_attain_the_bounds_of_the_specs(key, index, sign):
    """The environment executes the start and set points that maximize the last frame."""
    environment = ParticleEnvironment(dimension=1)
    steps = environment.max_episode_steps
    response = [recurrence(0.0, 0.0, 1.0, actions)[index] for actions in range(steps + 1)]
    gains = sign * np.diff(response)[::-1]  # of each set point on the last frame
    environment.reset()
    environment._episodes._position[:] = sign * recurrence(1.0, 0.0, 0.0, steps)[index] > 0
    extreme = -np.inf
    for gain in gains:
        time_step = environment.step(np.array([gain > 0], np.float32))
        extreme = max(extreme, sign * float(time_step.observation[key][0]))
    spec = environment.observation_spec()[key]
    bound = float(spec.maximum if sign > 0 else -spec.minimum)
    # The bound covers any episode length. After 2.5 s, exp(-6.25) = 0.002 of the motion remains.
    assert bound - 5e-3 < extreme <= bound
