"""A damaged newest checkpoint makes way for the one before."""

import pathlib

import pytest
import tensorflow as tf

from ibc_agents.distributed.roles import checkpoints
from ibc_agents.runs import run_directory


@pytest.fixture
def run(tmp_path):
    """A run's folder with the checkpoints of steps 100, 200 and 300."""
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


def test_a_good_checkpoint_stays(run):
    said = []
    checkpoints.set_aside_damaged(run, said.append)
    assert newest(run) == "ckpt-300" and not said


@pytest.mark.parametrize(("damaged", "left"), [([300], "ckpt-200"), ([300, 200], "ckpt-100")])
def test_a_damaged_one_makes_way_for_the_one_before(run, damaged, left):
    for step in damaged:
        damage(run, step)
    said = []
    checkpoints.set_aside_damaged(run, said.append)
    assert newest(run) == left
    assert all(f"ckpt-{step} cannot" in line for step, line in zip(damaged, said, strict=True))
    restored = tf.Variable(tf.zeros([100]))
    tf.train.Checkpoint(variable=restored).restore(run.latest_checkpoint()).assert_consumed()
    assert restored.numpy()[0] == float(left.removeprefix("ckpt-"))


def test_a_checkpoint_with_a_wrong_checksum_makes_way_too(run):
    (content,) = (run.path / "train" / "checkpoints").glob("ckpt-300.data*")
    changed = bytearray(content.read_bytes())
    changed[40] ^= 1
    content.write_bytes(changed)
    checkpoints.set_aside_damaged(run, lambda text: None)
    assert newest(run) == "ckpt-200"


def test_where_none_can_be_read_the_newest_stays(run):
    for step in (100, 200, 300):
        damage(run, step)
    checkpoints.set_aside_damaged(run, lambda text: None)
    assert newest(run) == "ckpt-300"


def test_a_run_without_checkpoints_is_left_alone(tmp_path):
    directory = run_directory.RunDirectory(tmp_path)
    checkpoints.set_aside_damaged(directory, lambda text: None)
    assert directory.latest_checkpoint() is None
