"""Bad input ends `train` with a one-line message that names the file, the record and the error.

Nothing is lost or half-written: no demonstrations, no checkpoint, no results.
"""

import shutil

import numpy as np
import pytest
import tensorflow as tf

from environments.particle import ParticleDemonstrator, ParticleEnvironment
from ibc_agents.rollouts import collection
from tests.system import helpers


@pytest.fixture
def shards(finished, tmp_path):
    """Writes the demonstrations into 4 shards without a manifest, as other projects do."""
    folder = tmp_path / "dataset"
    folder.mkdir()
    (whole,) = finished.dataset.glob("*.tfrecord")
    records = list(tf.data.TFRecordDataset(str(whole)).as_numpy_iterator())
    for number, part in enumerate(np.split(np.array(records, object), 4)):
        shard = folder / f"shard-{number:05d}.tfrecord"
        write(shard, part)
        shutil.copy(f"{whole}.spec", f"{shard}.spec")
    return folder


def refuse(tmp_path, *values, flags=()):
    """Runs `train`, which must fail, and returns its message."""
    arguments = helpers.small_run(tmp_path / "run", tmp_path / "data", 5, helpers.IN_MEMORY)
    done = helpers.call("ibc_agents.train", *arguments, *helpers.bindings(*values), *flags)
    error = helpers.error_message(done)
    left = helpers.files(tmp_path / "run") if (tmp_path / "run").is_dir() else []
    assert not [name for name in left if "ckpt" in name or "partial" in name], left
    assert "results.json" not in left and "policy" not in left
    assert not (tmp_path / "data").exists()
    return error


def dataset(path):
    return f"DemonstrationSettings.dataset='{path}'"


def change(shard, record, edit):
    """Writes a shard again with one record edited."""
    records = list(tf.data.TFRecordDataset(str(shard)).as_numpy_iterator())
    example = tf.train.Example.FromString(records[record])
    edit(example.features.feature)
    records[record] = example.SerializeToString()
    write(shard, records)


def write(shard, records):
    with tf.io.TFRecordWriter(str(shard)) as writer:
        for data in records:
            writer.write(data)


def test_truncated_shard(shards, tmp_path):
    shard = shards / "shard-00002.tfrecord"
    shard.write_bytes(shard.read_bytes()[:-10])
    error = refuse(tmp_path, dataset(shards))
    assert f"{shard}: record 254 is cut off: the file is truncated" in error, error  # of 5 × 51


def test_corrupt_record(shards, tmp_path):
    shard = shards / "shard-00001.tfrecord"
    data = bytearray(shard.read_bytes())
    length = int.from_bytes(data[:8], "little") + 16  # of every record, with its frame
    data[3 * length + 100] ^= 0xFF
    shard.write_bytes(data)
    error = refuse(tmp_path, dataset(shards))
    assert f"{shard}: record 3 is corrupt: its checksum does not match" in error, error


def test_nan_in_an_observation(shards, tmp_path):
    shard = shards / "shard-00003.tfrecord"

    def edit(feature):
        feature["observation/pos_agent"].float_list.value[1] = np.nan

    change(shard, 60, edit)
    error = refuse(tmp_path, dataset(shards))
    assert f"{shard}: record 60: observation/pos_agent is NaN or infinite" in error, error


def test_action_out_of_range(shards, tmp_path):
    shard = shards / "shard-00000.tfrecord"

    def edit(feature):
        feature["action"].float_list.value[0] = 1.5

    change(shard, 7, edit)
    error = refuse(tmp_path, dataset(shards))
    assert f"{shard}: record 7: action is outside its bounds (1.5 in element [0]" in error, error


def test_record_that_does_not_match_its_spec(shards, tmp_path):
    shard = shards / "shard-00000.tfrecord"
    change(shard, 2, lambda feature: feature["action"].float_list.value.append(0.5))
    error = refuse(tmp_path, dataset(shards))
    assert f"{shard}: record 2 does not match the spec: action has 3 numbers" in error, error


def test_dataset_of_another_environment(shards, tmp_path):
    error = refuse(tmp_path, dataset(shards), "ParticleEnvironment.dimension=3")
    assert "demonstrations dataset do not fit the environment particle_3d" in error, error
    assert "has shape (3,) against (2,)" in error, error


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("*.tfrecord", "no file matches this pattern"),
        ("absent", "no such file or folder"),
        (".", "this folder contains no .tfrecord shard"),
    ],
)
def test_missing_dataset(tmp_path, path, problem):
    folder = tmp_path / "empty"
    folder.mkdir()
    error = refuse(tmp_path, dataset(folder / path))
    assert f"{folder / path}: {problem}" in error or f"{folder}: {problem}" in error, error


def test_shard_without_its_spec(shards, tmp_path):
    (shards / "shard-00001.tfrecord.spec").unlink()
    error = refuse(tmp_path, dataset(shards))
    assert str(shards / "shard-00001.tfrecord.spec") in error, error


def test_shard_missing_from_a_dataset_of_ours(tmp_path):
    folder = tmp_path / "dataset"
    collection.collect(folder, ParticleEnvironment, ParticleDemonstrator, 4, 0, shard_episodes=2)
    (folder / "shard-00001.tfrecord").unlink()
    error = refuse(tmp_path, dataset(folder))
    assert f"{folder}: the shard shard-00001.tfrecord is missing" in error, error


def test_neither_dataset_nor_demonstrator(tmp_path):
    error = refuse(tmp_path, "Task.environment=None")
    assert "set DemonstrationSettings.dataset" in error and "Task.environment" in error, error
    error = refuse(tmp_path, "Task.demonstrator=None")
    assert str(tmp_path / "data" / "particle_2d_20") in error and "Task.demonstrator" in error, (
        error
    )


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("TrainingSetings.num_steps = 5", "No configurable matching 'TrainingSetings'"),
        ("TrainingSettings.steps = 5", "doesn't have a parameter named 'steps'"),
        ("Experiment.agent = @ImplicitBcAgent", "No configurable matching"),
        ("import environments.absent", "No module named 'environments.absent'"),
        ("TrainingSettings.num_steps = = 5", "Unable to parse value"),
        ("include 'absent.gin'", "Unable to open file: absent.gin"),
        ("include 'absent.gin'", "Paths of gin files are relative to"),
    ],
)
def test_gin_file_with_a_mistake(tmp_path, line, problem):
    path = tmp_path / "mine.gin"
    path.write_text(f"TrainingSettings.batch_size = 8\n{line}\n")
    error = refuse(tmp_path, flags=[f"--gin_file={path}"])
    assert problem in error and str(path) in error and "line 2" in error, error


@pytest.mark.parametrize(
    ("binding", "problem"),
    [
        ("TrainingSettings.num_steps=0", "num_steps must be an integer of at least 1, got 0"),
        ("TrainingSettings.num_steps=%absent", "absent"),
        ("DemonstrationSettings.validation_fraction=1.5", "validation_fraction"),
        (
            "DemonstrationSettings.top_return_fraction=0",
            "top_return_fraction must be a number in (0, 1], got 0",
        ),
        ("CounterExamples.number=0", "CounterExamples.number must be an integer of at least 1"),
        ("ImplicitBCAgent.windows=2", "doesn't have a parameter named 'windows'"),
        ("ImplicitBCAgent.energy_network=%gin.REQUIRED", "energy_network"),
        ("ParticleEnvironment.dimension=99", "dimension"),
        ("Experiment.agent=None", "Experiment.agent"),
        ("Experiment.source=@InMemorySource", "Experiment.source"),
        ("Experiment.source=@ReverbSource()\nReverbSource.address='nowhere'", "nowhere"),
    ],
)
def test_invalid_binding(shards, tmp_path, binding, problem):
    error = refuse(tmp_path, dataset(shards), *binding.splitlines())
    assert problem in error, error


def test_unwritable_root_dir_and_data_dir(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    error = refuse(tmp_path, flags=[f"--root_dir={blocked / 'run'}"])
    assert f"cannot write to root_dir {blocked / 'run'} (Not a directory)" in error, error
    error = refuse(tmp_path, flags=[f"--data_dir={blocked / 'data'}"])
    assert f"cannot write {blocked / 'data' / 'particle_2d_20'} (Not a directory)" in error


def test_no_configuration(tmp_path):
    error = helpers.error_message(
        helpers.call("ibc_agents.train", f"--root_dir={tmp_path / 'run'}")
    )
    assert "--gin_file=gin_configs/particle.gin" in error
    assert helpers.files(tmp_path) == []


def test_steps_that_are_not_finite_stop_the_run(finished, tmp_path):
    """The learning rate makes every update overflow."""
    root_dir = tmp_path / "run"
    values = (
        helpers.IN_MEMORY,
        "tf.keras.optimizers.Adam.learning_rate=1e38",
        "TrainingSettings.max_skipped_steps=7",
        "TrainingSettings.summary_interval=1",
    )
    arguments = helpers.small_run(root_dir, finished.data_dir, 500, *values, method="mse")
    error = helpers.error_message(helpers.call("ibc_agents.train", *arguments))
    assert "the updated weights were not finite in the last" in error, error
    skipped = helpers.scalars(root_dir / "train")["skipped_steps"]
    assert skipped[0] == 1.0 and max(skipped.values()) >= 7
    assert list(skipped.values()) == sorted(skipped.values())
    assert helpers.checkpointed_step(root_dir) == 0


def test_wrong_usage_is_a_one_line_message(tmp_path):
    """The error precedes the start of TensorFlow."""
    for command, arguments, problem in (
        ("train", ["extra"], "unexpected argument 'extra'"),
        ("train", ["--sed=1"], "Unknown command line flag 'sed'"),
        ("train", ["--seed=-1"], "--seed=-1: -1 is not an integer"),
        ("evaluate", [], "error: --policy is missing; see --help"),
        ("evaluate", ["--policy=run", "--episodes=0"], "--episodes=0: 0 is not a positive integer"),
        ("collect", ["--out=data", "--episodes=0"], "--episodes=0: 0 is not a positive integer"),
    ):
        done = helpers.run(f"ibc_agents.{command}", *arguments, folder=tmp_path)
        assert done.returncode == 1 and problem in done.stderr, done
        assert "Traceback" not in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr
