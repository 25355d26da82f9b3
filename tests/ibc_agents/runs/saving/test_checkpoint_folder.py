"""Training continues from the newest whole checkpoint, and never from step 0 in silence."""

import os
import pathlib
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents.core import errors, files
from ibc_agents.runs.saving import checkpoint_folder
from tests.ibc_agents import helpers

STATE = "checkpoint"


@pytest.fixture(scope="module")
def agent():
    return helpers.make_mse_agent()


def set_step(agent, step):
    """Sets the step, and all weights to it."""
    agent.train_step_counter.assign(step)
    for variable in agent._variables():
        variable.assign(tf.fill(variable.shape, float(step)))


@pytest.fixture
def folder(tmp_path, agent):
    """A folder with the checkpoints of steps 200, 300 and 400; that of 100 was removed."""
    path = tmp_path / "train" / "checkpoints"
    saving = checkpoint_folder.CheckpointFolder(path)
    for step in (100, 200, 300, 400):
        set_step(agent, step)
        saving.save(agent)
    return path


def restore(path, agent):
    """Returns the restored step, None without one, and the messages."""
    set_step(agent, 7)
    messages = []
    found = checkpoint_folder.CheckpointFolder(path, messages.append).restore(agent)
    step = int(agent.train_step_counter.numpy())
    assert all((variable.numpy() == step).all() for variable in agent._variables())
    return (step if found else None), messages


def test_keeps_the_newest_three_and_names_them_for_tensorflow(folder):
    names = sorted(path.name for path in folder.iterdir())
    kept = [[f"ckpt-{k}.data-00000-of-00001", f"ckpt-{k}.index"] for k in (200, 300, 400)]
    assert names == [STATE, *sum(kept, [])]
    assert tf.train.latest_checkpoint(str(folder)) == str(folder / "ckpt-400")
    state = tf.train.get_checkpoint_state(str(folder))
    assert [pathlib.Path(path).name for path in state.all_model_checkpoint_paths] == [
        f"ckpt-{step}" for step in (200, 300, 400)
    ]


def test_restores_the_newest_without_a_message(folder, agent):
    assert restore(folder, agent) == (400, [])


def test_a_folder_without_checkpoints_begins_at_step_0(tmp_path, agent):
    assert restore(tmp_path / "absent", agent) == (None, [])
    assert restore(tmp_path, agent) == (None, [])


def test_checkpoints_of_tf_agents_learner_are_restored_and_swept(tmp_path, agent):
    """TensorFlow restores ours as well."""
    manager = tf.train.CheckpointManager(
        tf.train.Checkpoint(agent=agent, train_step=agent.train_step_counter),
        str(tmp_path),
        max_to_keep=3,
    )
    for step in (1, 2, 3):
        set_step(agent, step)
        manager.save(step)
    assert restore(tmp_path, agent) == (3, [])
    saving = checkpoint_folder.CheckpointFolder(tmp_path)
    set_step(agent, 4)
    saving.save(agent)
    assert not (tmp_path / "ckpt-1.index").exists()
    set_step(agent, 0)
    contents = tf.train.Checkpoint(agent=agent, train_step=agent.train_step_counter)
    contents.restore(tf.train.latest_checkpoint(str(tmp_path))).assert_consumed()
    assert agent.train_step_counter.numpy() == 4


DAMAGES = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:50]),
    "flipped": lambda path: path.write_bytes(flipped(path.read_bytes())),
    "folder": lambda path: (path.unlink(), path.mkdir()),
    "pipe": lambda path: (path.unlink(), os.mkfifo(path)),
}


def flipped(content):
    changed = bytearray(content)
    changed[len(changed) // 2] ^= 16
    return bytes(changed)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("suffix", ["index", "data-00000-of-00001"])
def test_contract_checkpoints_a_damaged_one_is_skipped_with_a_message(
    folder, agent, suffix, damage
):
    DAMAGES[damage](folder / f"ckpt-400.{suffix}")
    step, messages = restore(folder, agent)
    assert step == 300
    (message,) = messages
    assert message.startswith(f"cannot read the checkpoint {folder}/ckpt-400 (")
    assert message.endswith("; continuing from the newest whole checkpoint, ckpt-300")


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_state_loses_nothing(folder, agent, damage):
    state = folder / STATE
    DAMAGES[damage](state)
    if damage in ("cut", "flipped"):
        state.write_bytes(b"\xff" + state.read_bytes())
    step, messages = restore(folder, agent)
    assert step == 400
    assert messages == [
        f"cannot read {state}; continuing from the newest whole checkpoint, ckpt-400"
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'model_checkpoint_path: "ckpt-300"\n', None),
        (b'model_checkpoint_path: "/elsewhere/ckpt-400"', None),
        (b'model_checkpoint_path: "ckpt-500"\n', "ckpt-500 (its files are missing)"),
        (b'model_checkpoint_path: "ckpt-' + b"9" * 5000 + b'"\n', "cannot read"),
        (b'model_checkpoint_path: "ckpt-40', "cannot read"),
    ],
)
def test_the_state_does_not_choose_the_checkpoint(folder, agent, content, message):
    (folder / STATE).write_bytes(content)
    step, messages = restore(folder, agent)
    assert step == 400
    assert len(messages) == (message is not None) and all(message in text for text in messages)


def test_contract_checkpoints_training_does_not_begin_again_if_all_are_damaged(folder, agent):
    for step in (200, 300, 400):
        DAMAGES["cut"](folder / f"ckpt-{step}.index")
    with pytest.raises(errors.RunError) as caught:
        restore(folder, agent)
    for part in (str(folder), "ckpt-400: ", "ckpt-200: ", "remove it to train from step 0"):
        assert part in str(caught.value)


def test_a_state_without_files_is_an_error(folder, agent):
    for path in folder.glob("ckpt-*"):
        path.unlink()
    for content in ((folder / STATE).read_bytes(), b"\xff"):
        (folder / STATE).write_bytes(content)
        with pytest.raises(errors.RunError, match="no checkpoint that can be read .*missing"):
            restore(folder, agent)


def test_a_checkpoint_under_another_name_is_not_whole(folder, agent):
    for path in folder.glob("ckpt-300.*"):
        path.rename(folder / path.name.replace("300", "500"))
    (folder / STATE).write_text('model_checkpoint_path: "ckpt-500"\n')
    step, messages = restore(folder, agent)
    assert step == 400 and "ckpt-500 (it is of step 300)" in messages[0]


def test_saves_after_damage_remove_what_is_damaged(folder, agent):
    DAMAGES["cut"](folder / "ckpt-400.index")
    saving = checkpoint_folder.CheckpointFolder(folder, lambda message: None)
    saving.restore(agent)
    set_step(agent, 350)
    saving.save(agent)
    assert not list(folder.glob("ckpt-400*"))
    assert restore(folder, agent) == (350, [])


class Killed(BaseException):
    """Ends a save as kill -9 does."""


def killing(function, survived):
    """Returns the function, which kills when the iterator over the survived calls ends."""

    def call(*arguments):
        if next(survived, None) is None:
            raise Killed
        return function(*arguments)

    return call


@pytest.mark.parametrize("first", [True, False], ids=["first", "later"])
def test_a_save_that_is_killed_at_any_moment_loses_no_checkpoint(tmp_path, agent, first):
    """A kill at each flush and each rename: the previous or the new checkpoint is restored."""
    moments = 0
    outcomes = []
    while not outcomes or outcomes[-1] != "saved":
        path = tmp_path / str(moments)
        saving = checkpoint_folder.CheckpointFolder(path)
        if not first:
            set_step(agent, 100)
            saving.save(agent)
        set_step(agent, 200)
        survived = iter(range(moments))
        with (
            mock.patch("os.replace", killing(os.replace, survived)),
            mock.patch.object(files, "fsync", killing(files.fsync, survived)),
            mock.patch("shutil.rmtree"),
            mock.patch("pathlib.Path.unlink"),
        ):
            try:
                saving.save(agent)
                outcomes.append("saved")
            except Killed:
                outcomes.append("killed")
        step, messages = restore(path, agent)
        assert step in ((None, 200) if first else (100, 200))
        # The checkpoint is complete and the file that names it is not there yet.
        assert not messages or first and step == 200
        moments += 1
    assert step == 200 and len(outcomes) > 6


def test_contract_checkpoints_are_flushed_before_they_are_renamed(tmp_path, agent):
    calls = []
    record = lambda kind, function: lambda *a: (calls.append((kind, *map(str, a))), function(*a))  # noqa: E731
    with (
        mock.patch("os.replace", record("rename", os.replace)),
        mock.patch.object(files, "fsync", record("flush", files.fsync)),
    ):
        set_step(agent, 5)
        checkpoint_folder.CheckpointFolder(tmp_path).save(agent)
    renamed = [call for call in calls if call[0] == "rename"]
    names = [pathlib.Path(call[2]).name for call in renamed]
    assert names == ["ckpt-5.data-00000-of-00001", "ckpt-5.index", STATE]
    for call in renamed:
        assert ("flush", call[1]) in calls[: calls.index(call)]
    state = calls.index(renamed[-1])
    assert ("flush", str(tmp_path)) in calls[:state]


def test_values_survive_bit_for_bit(tmp_path, agent):
    set_step(agent, 5)
    weights = [np.random.default_rng(0).normal(size=v.shape) for v in agent._variables()]
    for variable, value in zip(agent._variables(), weights, strict=True):
        variable.assign(value)
    checkpoint_folder.CheckpointFolder(tmp_path).save(agent)
    set_step(agent, 6)
    assert checkpoint_folder.CheckpointFolder(tmp_path).restore(agent)
    for variable, value in zip(agent._variables(), weights, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value.astype(np.float32))
