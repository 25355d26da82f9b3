"""The command `python -m data.inspect`, as a user runs it."""

import os
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.utils import example_encoding_dataset

import data
from data import encoding, inspect

ROOT = pathlib.Path(__file__).resolve().parents[2]


def _run(*arguments):
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    return subprocess.run(
        [sys.executable, "-m", "data.inspect", *map(os.fspath, arguments)],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def _line(text, start):
    (line,) = [line for line in text.splitlines() if line.startswith(start)]
    return line


def test_a_good_dataset(write_dataset, make_spec, make_episode):
    episodes = [make_episode(n, n, (4, 4, 3)) for n in (3, 5, 9)]
    for episode in episodes:
        episode.frames.observation["position"][:, 1] = 0.5
    folder = write_dataset(episodes, make_spec((4, 4, 3)), num_shards=2, extra={"seed": 7})
    done = _run(folder)
    assert (done.returncode, done.stderr) == (0, "")
    table = {name: _line(done.stdout, name).split() for name in ("shards", "episodes", "frames")}
    assert [line[1] for line in table.values()] == ["2", "3", "17"]
    assert _line(done.stdout, "lengths").startswith("lengths       3 5 9 ")
    dataset_hash = data.read_manifest(folder).dataset_hash
    assert _line(done.stdout, "dataset hash").split()[-1] == dataset_hash
    assert _line(done.stdout, "manifest").endswith("agrees, seed 7")
    returns = [e.frames.reward[e.executed].sum(dtype=np.float64) for e in episodes]
    assert f"{min(returns):.6g} {np.median(returns):.6g} {max(returns):.6g}" in done.stdout
    position = np.concatenate([e.frames.observation["position"] for e in episodes])
    cells = re.split(r"  +", _line(done.stdout, "observation/position"))
    mean, std = position.mean(axis=0, dtype=float), position.std(axis=0, dtype=float)
    assert cells == [
        "observation/position", "float32", "2", f"{position.min():.4g}", f"{position.max():.4g}",
        f"{mean[0]:.4g} 0.5", f"{std[0]:.4g} 0", "1",
    ]  # fmt: skip
    assert _line(done.stdout, "observation/rgb").split() == ["observation/rgb", "uint8", "4×4×3"]
    assert "every observation and action is finite and within bounds" in done.stdout


@pytest.fixture
def bad_shard(tmp_path, make_spec, make_episode):
    """A shard that training would refuse, but that can be read."""
    path, episode = os.fspath(tmp_path / "bad.tfrecord"), make_episode(6)
    episode.frames.observation["position"][2:4, 0] = np.nan
    episode.frames.observation["matrix"][:] = np.inf
    episode.frames.action[1, 1] = 9.0
    example_encoding_dataset.encode_spec_to_file(path + ".spec", make_spec())
    with tf.io.TFRecordWriter(path) as writer:
        for record in encoding.encode_frames(episode.frames, make_spec(), "raw"):
            writer.write(record)
    return path


def test_bad_values_are_reported_with_file_and_record(bad_shard, capsys):
    assert inspect.main([bad_shard]) == 0
    output = capsys.readouterr().out
    found = [line for line in output.splitlines() if "bad.tfrecord: record" in line]
    assert re.search("record 0: observation/matrix is NaN or infinite.* of 6 such", found[0])
    assert re.search("record 2: observation/position is NaN or infinite.* of 2 such", found[1])
    assert re.search("record 1: action is outside its bounds.* of 1 such", found[2])
    assert len(found) == 3
    assert "no finite frame" in _line(output, "observation/matrix")
    assert "nan" not in _line(output, "observation/position").lower()


def test_a_changed_dataset_is_told(write_dataset, make_spec, make_episode, capsys):
    folder = write_dataset([make_episode(3)], make_spec())
    other = write_dataset([make_episode(3, 1)], make_spec(), name="other")
    os.replace(other / "shard-00000.tfrecord", folder / "shard-00000.tfrecord")
    assert inspect.main([os.fspath(folder)]) == 0
    assert "DIFFERS" in _line(capsys.readouterr().out, "manifest")


def test_unreadable_data_is_one_sentence_and_exit_code_1(tmp_path):
    done = _run(tmp_path / "missing")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{tmp_path}/missing: no such file or folder; check the path.\n"


def test_help_and_usage(capsys):
    with pytest.raises(SystemExit) as caught:
        inspect.main(["--help"])
    assert caught.value.code == 0
    assert "folder of shards" in capsys.readouterr().out
    with pytest.raises(SystemExit) as caught:
        inspect.main([])
    assert caught.value.code == 2
