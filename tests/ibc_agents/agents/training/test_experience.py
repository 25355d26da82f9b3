"""Checks and padding of experience before a training step."""

import hypothesis
import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st

from ibc_agents.agents.training import experience as experience_lib
from tests.ibc_agents import helpers

SPEC = helpers.make_agent().training_data_spec


@helpers.properties
@hypothesis.given(
    hnp.arrays(
        np.int32,
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=5),
        elements=st.sampled_from([helpers.FIRST, helpers.MID, helpers.LAST]),
    )
)
def test_contract_windows_repeat_the_newest_first_over_everything_before_it(step_type):
    """Windows that end in LAST have weight 0. Compares with plain loops."""
    batch_size, window = step_type.shape
    experience = helpers.make_experience(batch_size, window)._replace(
        step_type=tf.constant(step_type)
    )
    observation, executed = experience_lib.repair_window(experience)
    for row in range(batch_size):
        firsts = [t for t in range(window) if step_type[row, t] == helpers.FIRST]
        for key, leaf in experience.observation.items():
            frames = list(leaf[row].numpy())
            if firsts:
                frames = [frames[max(t, firsts[-1])] for t in range(window)]
            np.testing.assert_array_equal(observation[key][row], frames)
        assert executed[row] == (step_type[row, -1] != helpers.LAST)
    assert executed.dtype == tf.float32


def test_contract_windows_are_what_the_policy_remembers():
    """Windows of every frame of an episode, cut across the previous episode."""
    frames = helpers.make_experience(1, 6).observation
    kinds = [helpers.MID, helpers.LAST, helpers.FIRST, helpers.MID, helpers.MID, helpers.LAST]
    for window in (1, 2, 3):
        for end in (2, 3, 4):
            cut = slice(end - window + 1, end + 1)
            experience = helpers.make_experience(1, window)._replace(
                observation=tf.nest.map_structure(lambda leaf, cut=cut: leaf[:, cut], frames),
                step_type=tf.constant([kinds[cut]], tf.int32),
            )
            observation, executed = experience_lib.repair_window(experience)
            remembered = [max(t, 2) for t in range(cut.start, cut.stop)]
            expected = tf.gather(frames["goal"], remembered, axis=1)
            np.testing.assert_array_equal(observation["goal"], expected)
            np.testing.assert_array_equal(executed, [1.0])


def test_leaves_of_different_batch_sizes_are_refused():
    experience = helpers.make_experience(3, 2)
    goal = experience.observation["goal"][:2]
    cut = experience._replace(observation={**experience.observation, "goal": goal})
    with pytest.raises(ValueError, match="observation/goal has batch size 2 instead of 3"):
        experience_lib.check_experience(cut, SPEC, 2)


def test_weights_are_one_for_each_window_or_one_for_all():
    for valid in (tf.ones([3]), tf.constant(2), tf.ones([3], tf.float64)):
        experience_lib.check_weights(valid, 3)
        experience_lib.check_weights(valid, None)
    for bad in (tf.ones([2]), tf.ones([3, 1]), tf.ones([3], tf.complex64), tf.constant(["a"] * 3)):
        with pytest.raises(ValueError, match=r"weights should be real numbers \[3\]"):
            experience_lib.check_weights(bad, 3)


def test_matching_experience_is_accepted():
    assert experience_lib.check_experience(helpers.make_experience(3, 2), SPEC, 2) is None
    numpy_arrays = helpers.numpy(helpers.make_experience(3, 2))
    assert experience_lib.check_experience(numpy_arrays, SPEC, 2) is None


def _without(experience, key):
    observation = {k: leaf for k, leaf in experience.observation.items() if k != key}
    return experience._replace(observation=observation)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda e: _without(e, "goal"), "observation/goal is missing"),
        (
            lambda e: e._replace(observation={**e.observation, "rgb": e.reward}),
            "observation/rgb is not expected",
        ),
        (
            lambda e: e._replace(action=e.action[..., :1]),
            r"action should be float32 \(None, 2, 2\), is float32 \(3, 2, 1\)",
        ),
        (
            lambda e: e._replace(action=tf.cast(e.action, tf.float64)),
            r"action should be float32 \(None, 2, 2\), is float64",
        ),
        (
            lambda e: tf.nest.map_structure(lambda leaf: leaf[:, :1], e),
            r"T = 2.*observation/goal should be float32 \(None, 2, 2\), is float32 \(3, 1, 2\)",
        ),
        (
            lambda e: tf.nest.map_structure(lambda leaf: leaf[:, 0], e),
            r"step_type should be int32 \(None, 2\), is int32 \(3,\)",
        ),
        (lambda e: e._replace(policy_info={"seed": e.reward}), "policy_info/seed is not expected"),
    ],
)
def test_the_difference_of_experience_is_named(change, message):
    experience = change(helpers.make_experience(3, 2))
    with pytest.raises(ValueError, match=message):
        experience_lib.check_experience(experience, SPEC, 2)


def test_all_differences_are_named_at_once():
    experience = _without(helpers.make_experience(3, 2), "goal")
    experience = experience._replace(action=experience.action[..., :1])
    with pytest.raises(ValueError, match="goal is missing; action should be"):
        experience_lib.check_experience(experience, SPEC, 2)
