"""Policies at observations that are extreme or not finite, in a function, a SavedModel, TFLite."""

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.policies import policy_saver

from tests.ibc_agents import helpers

MAKERS = {
    "mse": helpers.make_mse_agent,
    "mdn": helpers.make_mdn_agent,
    "implicit": helpers.make_agent,
    "autoregressive": helpers.make_autoregressive_agent,
}
SLOW = {"mdn", "autoregressive"}
EXTREMES = (1e30, -3.4e38, 1e-40, -0.0)


def time_step_with(value, batch_size=2):
    """Returns a time step whose last row has `value` in the second element of `position`."""
    time_step = helpers.make_time_step(batch_size)
    position = time_step.observation["position"].numpy()
    position[-1, 1] = value
    return time_step._replace(observation={**time_step.observation, "position": position})


@pytest.fixture(
    scope="module",
    params=[pytest.param(k, marks=pytest.mark.slow) if k in SLOW else k for k in MAKERS],
)
def saved_policy(request, tmp_path_factory):
    """A policy after it was exported, loaded by TensorFlow alone."""
    folder = str(tmp_path_factory.mktemp(request.param))
    agent = MAKERS[request.param]()
    policy_saver.PolicySaver(agent.policy, batch_size=None).save(folder)
    return tf.saved_model.load(folder)


@pytest.mark.parametrize("value", EXTREMES)
def test_contract_policy_actions_are_finite_and_inside_the_bounds(saved_policy, value):
    action = saved_policy.action(time_step_with(value), saved_policy.get_initial_state(2)).action
    assert np.isfinite(action).all()
    assert (action >= helpers.ACTION_SPEC.minimum).numpy().all()
    assert (action <= helpers.ACTION_SPEC.maximum).numpy().all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_contract_policy_refuses_observations_that_are_not_finite(saved_policy, value):
    """The index is row, frame and element; the newest of the two frames is frame 1."""
    state = saved_policy.action(helpers.make_time_step(2), saved_policy.get_initial_state(2)).state
    bad = time_step_with(value)._replace(step_type=tf.fill([2], helpers.MID))
    message = rf"observation/position is NaN or infinite.*\[{value}\].*index.*\[\[1 1 1\]\]"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        saved_policy.action(bad, state)


def test_an_extreme_row_leaves_the_others_unchanged(saved_policy):
    state = saved_policy.get_initial_state(2)
    ordinary = saved_policy.action(time_step_with(0.5), state).action
    extreme = saved_policy.action(time_step_with(1e30), state).action
    np.testing.assert_array_equal(ordinary[0], extreme[0])


@pytest.mark.parametrize("name", ["mse", "implicit"])
def test_weights_that_are_not_finite_give_an_error(name):
    agent = MAKERS[name](window=1)
    network = agent.energy_network if name == "implicit" else agent._regression_network
    for variable in network.trainable_variables:
        variable.assign(tf.fill(variable.shape, np.nan))
    with pytest.raises(tf.errors.InvalidArgumentError, match="action is NaN or infinite at a fin"):
        agent.policy.action(helpers.make_time_step(2), agent.policy.get_initial_state(2))


@pytest.mark.parametrize("name", ["mse", pytest.param("implicit", marks=pytest.mark.slow)])
def test_contract_policy_without_assertions_marks_the_action(tmp_path, name):
    """TensorFlow Lite removes assertions."""
    agent = MAKERS[name](window=1)
    policy_saver.PolicySaver(agent.policy, batch_size=1).save(str(tmp_path))
    converter = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path), signature_keys=["action"])
    converter.target_spec.supported_ops = [
        tf.lite.OpsSet.TFLITE_BUILTINS,
        tf.lite.OpsSet.SELECT_TF_OPS,
    ]
    act = tf.lite.Interpreter(model_content=converter.convert()).get_signature_runner("action")

    def action(value):
        time_step = time_step_with(value, batch_size=1)
        observation = time_step.observation
        return act(
            **{
                "0/step_type": time_step.step_type.numpy(),
                "0/reward": time_step.reward.numpy(),
                "0/discount": time_step.discount.numpy(),
                "0/observation/goal": observation["goal"].numpy(),
                "0/observation/position": observation["position"],
                "1/seed": np.zeros([1, 2], np.int32),
            }
        )["action"]

    for value in (np.nan, np.inf, -np.inf):
        assert np.isnan(action(value)).all()
    for value in EXTREMES:
        assert np.isfinite(action(value)).all()
