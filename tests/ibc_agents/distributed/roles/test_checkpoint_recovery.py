"""Damaged checkpoints are skipped."""

import pathlib

import pytest
import tensorflow as tf

from ibc_agents.distributed.roles import checkpoint_recovery
from ibc_agents.runs import run_directory


@pytest.fixture
def run(tmp_path):
    """A run with the checkpoints of steps 100, 200 and 300."""
    directory = run_directory.RunDirectory(tmp_path)
    folder = tmp_path / "train" / "checkpoints"
    variable = tf.Variable(tf.zeros([100]))
    manager = tf.train.CheckpointManager(
        tf.train.Checkpoint(variable=variable), str(folder), max_to_keep=3, checkpoint_name="ckpt"
    )
    for step in (100, 200, 300):
        variable.assign(tf.fill([100], float(step)))
        manager.save(step)
    return directory


def damage(run, step):
    (content,) = (run.path / "train" / "checkpoints").glob(f"ckpt-{step}.data*")
    content.write_bytes(content.read_bytes()[:50])


def newest(run):
    return pathlib.Path(run.latest_checkpoint()).name


def test_keeps_a_readable_checkpoint(run):
    messages = []
    checkpoint_recovery.skip_damaged_checkpoints(run, messages.append)
    assert newest(run) == "ckpt-300" and not messages


@pytest.mark.parametrize(("damaged", "left"), [([300], "ckpt-200"), ([300, 200], "ckpt-100")])
def test_skips_truncated_checkpoints(run, damaged, left):
    for step in damaged:
        damage(run, step)
    messages = []
    checkpoint_recovery.skip_damaged_checkpoints(run, messages.append)
    assert newest(run) == left
    assert all(f"ckpt-{step};" in line for step, line in zip(damaged, messages, strict=True))
    restored = tf.Variable(tf.zeros([100]))
    tf.train.Checkpoint(variable=restored).restore(run.latest_checkpoint()).assert_consumed()
    assert restored.numpy()[0] == float(left.removeprefix("ckpt-"))


def test_skips_a_checkpoint_with_a_wrong_checksum(run):
    (content,) = (run.path / "train" / "checkpoints").glob("ckpt-300.data*")
    changed = bytearray(content.read_bytes())
    changed[40] ^= 1
    content.write_bytes(changed)
    checkpoint_recovery.skip_damaged_checkpoints(run, lambda text: None)
    assert newest(run) == "ckpt-200"


def test_keeps_the_newest_if_none_is_readable(run):
    for step in (100, 200, 300):
        damage(run, step)
    checkpoint_recovery.skip_damaged_checkpoints(run, lambda text: None)
    assert newest(run) == "ckpt-300"


def test_ignores_a_run_without_checkpoints(tmp_path):
    directory = run_directory.RunDirectory(tmp_path)
    checkpoint_recovery.skip_damaged_checkpoints(directory, lambda text: None)
    assert directory.latest_checkpoint() is None
