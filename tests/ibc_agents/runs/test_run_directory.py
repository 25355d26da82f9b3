"""The root_dir: complete files, one dataset, and a policy for any batch size."""

import json
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents.core import errors
from ibc_agents.runs import run_directory
from tests.ibc_agents import helpers


@pytest.fixture
def directory(tmp_path):
    return run_directory.RunDirectory(tmp_path / "deep" / "run")


def names(directory):
    return sorted(path.name for path in directory.path.iterdir())


def test_creates_its_folder_and_leaves_no_probe(directory):
    assert names(directory) == []
    assert run_directory.RunDirectory(directory.path).path == directory.path


def test_reading_a_run_does_not_change_it(directory):
    for path in (directory.path, directory.path / "absent"):
        with pytest.raises(errors.RunError, match=f"{path} is not the root_dir of a run"):
            run_directory.RunDirectory(path, writable=False)
    directory.check_settings({"seed": 0})
    assert run_directory.RunDirectory(directory.path, writable=False).path == directory.path
    assert names(directory) == ["operative_config.gin", "settings.json"]


@pytest.mark.parametrize("name", ["file", "file/run"])
def test_an_unwritable_path_is_named(tmp_path, name):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(errors.RunError, match=f"root_dir {tmp_path / name} .*--root_dir"):
        run_directory.RunDirectory(tmp_path / name)
    assert (tmp_path / "file").read_text() == "mine"


def test_remembers_the_dataset_of_its_first_run(directory):
    directory.check_dataset("a" * 64, "mine")
    directory.check_dataset("a" * 64, "mine, moved elsewhere")
    with pytest.raises(errors.RunError) as caught:
        directory.check_dataset("b" * 64, "another")
    for part in (str(directory.path), "mine", "a" * 12, "another", "b" * 12, "--root_dir"):
        assert part in str(caught.value)
    known = json.loads((directory.path / "dataset.json").read_text())
    assert known == {"hash": "a" * 64, "description": "mine"}


def begin(directory, settings):
    """Begins a run and writes a first checkpoint."""
    directory.check_settings(settings)
    agent = helpers.make_mse_agent()
    agent.initialize()
    directory.checkpoints.save(agent)
    return {name: (directory.path / name).read_bytes() for name in RECORDS}


RECORDS = ("settings.json", "operative_config.gin")


def test_what_a_run_began_with_is_compared_and_never_replaced(directory):
    recorded = begin(directory, {"seed": 0, "Normalizer.margin": 0.05, "TrainingSettings.n": 1})
    directory.check_settings({"seed": 0, "Normalizer.margin": 0.05})
    directory.check_settings({"seed": 0, "EvaluationSettings.seed": 3})
    with pytest.raises(errors.RunError) as caught:
        directory.check_settings({"seed": 1, "Normalizer.margin": 0.2})
    for part in ("seed was 0, is 1", "Normalizer.margin was 0.05, is 0.2", "--root_dir"):
        assert part in str(caught.value)
    assert {name: (directory.path / name).read_bytes() for name in RECORDS} == recorded


def test_a_missing_record_is_reported_and_not_made_up(tmp_path):
    messages = []
    directory = run_directory.RunDirectory(tmp_path, log=messages.append)
    directory.check_dataset("a" * 64, "mine")
    begin(directory, {"seed": 0})
    for name in ("settings.json", "dataset.json"):
        (tmp_path / name).unlink()
    directory.check_settings({"seed": 1})
    directory.check_dataset("b" * 64, "another")
    assert [message.partition(",")[0] for message in messages] == [
        f"{tmp_path} has no settings.json",
        f"{tmp_path} has no dataset.json",
    ]
    assert not list(tmp_path.glob("*.json"))


def test_many_differences_are_counted(directory):
    begin(directory, {f"A.{number}": 0 for number in range(9)})
    with pytest.raises(errors.RunError, match="A.4 was 0, is 1; and 4 more. Use"):
        directory.check_settings({f"A.{number}": 1 for number in range(9)})


def test_a_run_without_a_checkpoint_begins_again(directory):
    directory.check_settings({"seed": 0})
    directory.check_settings({"seed": 1})
    assert json.loads((directory.path / "settings.json").read_text()) == {"seed": 1}
    (directory.path / "results.json").write_text("{}")
    with pytest.raises(errors.RunError, match="seed was 1, is 2"):
        directory.check_settings({"seed": 2})


@pytest.mark.parametrize("content", ["", "{", "[]", "3", '{"seed": ', "[" * 100_000])
def test_a_damaged_record_is_named(directory, content):
    begin(directory, {"seed": 0})
    directory.check_dataset("a" * 64, "mine")
    for name in ("settings.json", "dataset.json"):
        (directory.path / name).write_text(content)
    with pytest.raises(errors.RunError, match="settings.json cannot be read .*--root_dir"):
        directory.check_settings({"seed": 0})
    with pytest.raises(errors.RunError, match="dataset.json cannot be read .*--root_dir"):
        directory.check_dataset("a" * 64, "mine")


def test_a_failed_write_keeps_the_previous_file(directory):
    directory.write_json("results.json", {"old": 1})
    with (
        mock.patch("pathlib.Path.write_text", side_effect=OSError(28, "No space left on device")),
        pytest.raises(errors.RunError, match=r"results.json \(No space left on device\)"),
    ):
        directory.write_json("results.json", {"new": 2})
    assert json.loads((directory.path / "results.json").read_text()) == {"old": 1}
    assert names(directory) == ["results.json"]


def test_exported_policy_equals_the_live_one_and_replaces_the_previous(directory):
    """It accepts raw observations and any batch size. Sampled actions: test_evaluate_command.py."""
    policy = helpers.make_mse_agent().policy
    step = tf.Variable(0, dtype=tf.int64)
    for number in (1, 2):
        step.assign(number)
        folder = directory.export_policy(policy, step)
        assert folder == directory.path / "policy"
        assert names(directory) == ["policy"]
        loaded = tf.saved_model.load(str(folder))
        assert loaded.get_train_step().numpy() == number
    time_step = helpers.make_time_step(3)
    state = loaded.get_initial_state(3)
    saved, live = loaded.action(time_step, state), policy.action(time_step, state)
    np.testing.assert_allclose(saved.action, live.action, atol=1e-6)
    tf.nest.map_structure(np.testing.assert_array_equal, saved.state, live.state)


@pytest.mark.parametrize("name", ["results.json", "policy"])
def test_a_finished_run_without_its_checkpoints_is_not_trained_again(directory, name):
    agent = helpers.make_mse_agent()
    directory.restore_checkpoint(agent)
    (directory.path / name).mkdir()
    with pytest.raises(errors.RunError, match=f"has {name} but no checkpoint.*--root_dir"):
        directory.restore_checkpoint(agent)
    directory.checkpoints.save(agent)
    directory.restore_checkpoint(agent)
