"""Properties of all policies: the window memory and the seeds."""

import hypothesis
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from hypothesis import strategies as st

from ibc_agents import policies
from ibc_agents.core import normalizer as normalizer_lib
from tests.ibc_agents import helpers

NEXT_EPISODE = np.uint32(0x9E3779B9)


class RecordingPolicy(policies.WindowPolicy):
    """Records its windows and seeds; its action is the center."""

    def __init__(self, window, **kwargs):
        self.seen = []
        super().__init__(
            helpers.TIME_STEP_SPEC, helpers.ACTION_SPEC, helpers.make_normalizer(), window, **kwargs
        )

    def _scaled_distribution(self, observation, seed):
        self.seen.append((helpers.numpy(observation), seed.numpy()))
        return tfp.distributions.VectorDeterministic(tf.zeros([seed.shape[0], 2]))


def run(policy, step_types, state=None):
    """Acts on random observations; step_types [K, B]. Returns observations and states."""
    batch_size = len(step_types[0])
    state = policy.get_initial_state(batch_size) if state is None else state
    observations, states = [], [helpers.numpy(state)]
    for k, kinds in enumerate(step_types):
        time_step = helpers.make_time_step(batch_size, kinds, seed=k)
        state = policy.action(time_step, state).state
        observations.append(helpers.numpy(time_step.observation))
        states.append(helpers.numpy(state))
    return observations, states


@helpers.properties
@hypothesis.given(
    st.lists(
        st.lists(
            st.sampled_from([helpers.FIRST, helpers.MID, helpers.LAST]), min_size=3, max_size=3
        ),
        min_size=1,
        max_size=7,
    ),
    st.integers(1, 4),
)
def test_contract_policy_windows_are_refilled_row_by_row_at_first(step_types, window):
    """Compares with a list per row. All rows begin with FIRST, as in every environment."""
    step_types = [[helpers.FIRST] * 3, *step_types]
    policy = RecordingPolicy(window)
    observations, states = run(policy, step_types)
    memory = [None] * 3
    for k, kinds in enumerate(step_types):
        for row, kind in enumerate(kinds):
            newest = tf.nest.map_structure(lambda leaf, row=row: leaf[row], observations[k])
            first = kind == helpers.FIRST
            memory[row] = [newest] * window if first else [*memory[row][1:], newest]
        raw = {
            key: np.stack([[frame[key] for frame in frames] for frames in memory])
            for key in helpers.OBSERVATION_SPEC
        }
        expected = helpers.numpy(helpers.make_normalizer().normalize_observation(raw))
        seen, _ = policy.seen[k]
        tf.nest.map_structure(np.testing.assert_array_equal, seen, expected)
        if window > 1:
            kept = tf.nest.map_structure(lambda leaf: leaf[:, 1:], raw)
            tf.nest.map_structure(
                np.testing.assert_array_equal, states[k + 1]["observations"], kept
            )
        else:
            assert set(states[k + 1]) == {"seed"}


def test_contract_policy_seeds_move_at_first_and_count_actions():
    policy = RecordingPolicy(window=2)
    start = policy.get_initial_state(3)
    start["seed"] = tf.constant([[2**31 - 1, 5], [0, 0], [-7, 2]], tf.int32)
    kinds = [
        [helpers.FIRST, helpers.MID, helpers.FIRST],
        [helpers.MID, helpers.LAST, helpers.LAST],
        [helpers.MID, helpers.FIRST, helpers.FIRST],
    ]
    _, states = run(policy, kinds, start)
    words = np.uint32(np.int64(start["seed"].numpy()) % 2**32)
    for k, row_kinds in enumerate(kinds):
        with np.errstate(over="ignore"):
            words[:, 0] += NEXT_EPISODE * (np.array(row_kinds) == helpers.FIRST)
        np.testing.assert_array_equal(policy.seen[k][1].astype(np.uint32), words)
        words[:, 1] += 1
        np.testing.assert_array_equal(states[k + 1]["seed"].astype(np.uint32), words)


def test_contract_policy_state_spec():
    spec = RecordingPolicy(window=3).policy_state_spec
    assert spec["seed"].shape == (2,) and spec["seed"].dtype == tf.int32
    assert {key: tuple(leaf.shape) for key, leaf in spec["observations"].items()} == {
        "goal": (2, 2),
        "position": (2, 2),
    }
    assert set(RecordingPolicy(window=1).policy_state_spec) == {"seed"}


def test_initial_seeds_differ_by_row_and_follow_the_policys_seed():
    first, again, other = (
        RecordingPolicy(1, seed=seed).get_initial_state(50)["seed"].numpy() for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first, again)
    assert len(np.unique(np.concatenate([first, other]), axis=0)) == 100
    unseeded = RecordingPolicy(1)
    assert (
        (unseeded.get_initial_state(50)["seed"] != unseeded.get_initial_state(50)["seed"])
        .numpy()
        .any()
    )


def test_a_seed_argument_raises():
    policy = RecordingPolicy(1)
    with pytest.raises(ValueError, match=r"policy_state\['seed'\]"):
        policy.action(helpers.make_time_step(2), policy.get_initial_state(2), seed=3)


def test_a_window_of_zero_raises():
    with pytest.raises(ValueError, match="window must be at least 1 frame, got 0"):
        RecordingPolicy(0)


NESTED = {"grip": tf.TensorSpec([], tf.float32), "move": tf.TensorSpec([2, 2], tf.float64)}


class NormalPolicy(policies.WindowPolicy):
    """A Gaussian over a nested action that is much wider than the bounds."""

    def __init__(self, stddev):
        experience = helpers.make_experience(50, 1)
        actions = np.random.default_rng(0).uniform(-3, 7, [50, 1, 5])
        experience = experience._replace(
            action={
                "grip": tf.constant(actions[..., 0], tf.float32),
                "move": tf.constant(actions[..., 1:].reshape(50, 1, 2, 2)),
            }
        )
        normalizer = normalizer_lib.Normalizer.from_dataset(
            [experience], helpers.OBSERVATION_SPEC, NESTED
        )
        self._stddev = stddev
        super().__init__(helpers.TIME_STEP_SPEC, NESTED, normalizer, window=1)

    def _scaled_distribution(self, observation, seed):
        loc = tf.linspace([0.1] * 5, [0.3] * 5, seed.shape[0])
        return tfp.distributions.MultivariateNormalDiag(loc, tf.fill([5], self._stddev))


def test_contract_policy_distribution_is_the_scaled_one_in_raw_units():
    policy = NormalPolicy(stddev=0.01)
    distribution = policy.distribution(
        helpers.make_time_step(3), policy.get_initial_state(3)
    ).action
    for key, spec in NESTED.items():
        assert distribution[key].batch_shape == (3,) and distribution[key].dtype == spec.dtype
        assert distribution[key].event_shape == spec.shape
        assert distribution[key].sample([4, 5], seed=1).shape == (4, 5, 3, *spec.shape)
    mode = tf.nest.map_structure(lambda leaf: leaf.mode(), distribution)
    scaled = policy._normalizer.scale_action(mode)
    np.testing.assert_allclose(scaled, np.repeat([[0.1], [0.2], [0.3]], 5, axis=1), atol=1e-6)
    # Leaves drawn with one seed belong to one action.
    drawn = tf.nest.map_structure(lambda leaf: leaf.sample(2000, seed=[1, 2]), distribution)
    whole = policy._normalizer.scale_action(drawn).numpy()
    base = policy._scaled_distribution(None, tf.zeros([3, 2], tf.int32)).sample(2000, seed=[1, 2])
    np.testing.assert_allclose(whole, base, atol=1e-6)


def test_actions_are_within_the_bounds():
    policy = NormalPolicy(stddev=50.0)
    distribution = policy.distribution(
        helpers.make_time_step(3), policy.get_initial_state(3)
    ).action
    drawn = tf.nest.map_structure(lambda leaf: leaf.sample(100, seed=3), distribution)
    scaled, bounds = policy._normalizer.scale_action(drawn), policy._normalizer.bounds
    assert np.all(scaled >= bounds.low - 1e-5) and np.all(scaled <= bounds.high + 1e-5)
    assert np.any(np.isclose(scaled, bounds.low, atol=1e-5))
