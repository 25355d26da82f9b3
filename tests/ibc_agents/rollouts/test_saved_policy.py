"""SavedModels of policies: those of the environment act, all others are errors of the user."""

import os

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents.core import errors, files
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
    for name in ("policy_specs.pbtxt", saved_policy.CHECKSUMS):
        (model / name).unlink()
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


@pytest.mark.parametrize(
    "name", ["saved_model.pb", "policy_specs.pbtxt", "variables/variables.data-00000-of-00001"]
)
def test_a_changed_byte_is_named(model, name):
    content = bytearray((model / name).read_bytes())
    content[len(content) // 2] ^= 1
    (model / name).write_bytes(content)
    with pytest.raises(errors.RunError, match=f"{model} .*{name} has changed since it was written"):
        saved_policy.load(model, ENVIRONMENT)


def test_a_model_of_another_program_has_no_checksums(model):
    (model / saved_policy.CHECKSUMS).unlink()
    saved_policy.load(model, ENVIRONMENT)


def test_files_are_flushed_before_the_folder_is_renamed(agent, tmp_path, monkeypatch):
    flushed = []
    fsync = files.fsync
    monkeypatch.setattr(files, "fsync", lambda path: (flushed.append(str(path)), fsync(path)))
    folder, partial = tmp_path / "policy", tmp_path / ".policy.partial"
    saved_policy.export(agent.policy, folder, agent.train_step_counter)
    written = [partial / path.relative_to(folder) for path in folder.rglob("*")]
    assert {str(path) for path in (*written, partial, tmp_path)} <= set(flushed)


def test_a_failed_export_keeps_the_previous_policy(agent, model, monkeypatch):
    before = {path: path.read_bytes() for path in model.rglob("*") if path.is_file()}

    def fail(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        saved_policy.export(agent.policy, model, agent.train_step_counter)
    assert {path: path.read_bytes() for path in model.rglob("*") if path.is_file()} == before
    assert [path.name for path in model.parent.iterdir()] == ["policy"]


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
