"""SavedModels of policies: those of the environment act, all others are errors of the user."""

import os

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents.core import errors
from ibc_agents.rollouts import environment_info, saved_policy
from tests.ibc_agents import helpers

ENVIRONMENT = environment_info.EnvironmentInfo(
    "toy", helpers.TIME_STEP_SPEC, helpers.ACTION_SPEC, False, None
)


@pytest.fixture(scope="module")
def agent():
    agent = helpers.make_mse_agent()
    agent.initialize()
    return agent


@pytest.fixture
def model(agent, tmp_path):
    saved_policy.export(agent.policy, tmp_path / "policy", agent.train_step_counter)
    return tmp_path / "policy"


def test_a_policy_of_the_environment_acts(agent, model):
    loaded = saved_policy.load(model, ENVIRONMENT)
    time_step = helpers.make_time_step(3)
    found = loaded.action(time_step, loaded.get_initial_state(3)).action
    live = agent.policy.action(time_step, agent.policy.get_initial_state(3)).action
    np.testing.assert_allclose(found, live, atol=1e-6)


def test_a_policy_of_another_environment_is_named(model):
    spec = tf.TensorSpec((3,), tf.float32)
    other = environment_info.EnvironmentInfo("cart", helpers.TIME_STEP_SPEC, spec, False, None)
    with pytest.raises(errors.RunError, match=f"{model} does not fit the environment cart: action"):
        saved_policy.load(model, other)
    (model / "policy_specs.pbtxt").unlink()
    observation = tf.TensorSpec((3,), tf.float32)
    time_step_spec = helpers.TIME_STEP_SPEC._replace(observation=observation)
    other = environment_info.EnvironmentInfo("cart", time_step_spec, spec, False, None)
    with pytest.raises(errors.RunError, match=f"the policy {model} does not act in cart"):
        saved_policy.load(model, other)


def test_damage_is_an_error_of_the_user(model):
    path = model / "saved_model.pb"
    content = path.read_bytes()
    for damaged in (b"", content[:1000]):
        path.write_bytes(damaged)
        with pytest.raises(errors.RunError, match=f"SavedModel {model} cannot be read"):
            saved_policy.load(model, ENVIRONMENT)


def test_a_pipe_is_not_opened(model):
    path = model / "variables" / "variables.index"
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(errors.RunError, match="variables.index is not a file"):
        saved_policy.load(model, ENVIRONMENT)


def test_another_model_is_no_policy(tmp_path):
    tf.saved_model.save(tf.Module(), str(tmp_path))
    with pytest.raises(errors.RunError, match=f"{tmp_path} is not a TF-Agents policy"):
        saved_policy.load(tmp_path, ENVIRONMENT)
