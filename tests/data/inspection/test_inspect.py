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
from data import inspect
from data.inspection import dataset_summary, plots
from data.shards import encoding

ROOT = pathlib.Path(__file__).resolve().parents[3]


def _run(*arguments):
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    return subprocess.run(
        [sys.executable, "-m", "data.inspect", *map(os.fspath, arguments)],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def _line(text, start):
    (line,) = [line for line in text.splitlines() if line.startswith(start)]
    return line


def test_reports_a_valid_dataset(write_dataset, make_spec, make_episode):
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
    found = _line(done.stdout, "returns").split()[1:4]
    assert found == [f"{value:.6g}" for value in (min(returns), np.mean(returns), max(returns))]
    quantiles = np.quantile(returns, [0.05, 0.25, 0.5, 0.75, 0.95])
    assert _line(done.stdout, "quantiles").split()[1:6] == [f"{q:.6g}" for q in quantiles]
    assert _line(done.stdout, "duplicates").split() == ["duplicates", "none"]
    assert _line(done.stdout, "fragments").split() == ["fragments", "none"]
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
    """A readable shard with values that training rejects."""
    path, episode = os.fspath(tmp_path / "bad.tfrecord"), make_episode(6)
    episode.frames.observation["position"][2:4, 0] = np.nan
    episode.frames.observation["matrix"][:] = np.inf
    episode.frames.action[1, 1] = 9.0
    example_encoding_dataset.encode_spec_to_file(path + ".spec", make_spec())
    with tf.io.TFRecordWriter(path) as writer:
        for record in encoding.encode_frames(episode.frames, make_spec(), "raw"):
            writer.write(record)
    return path


def test_reports_bad_values_with_file_and_record(bad_shard, capsys):
    assert inspect.main([bad_shard]) == 0
    output = capsys.readouterr().out
    found = [line for line in output.splitlines() if "bad.tfrecord: record" in line]
    assert re.search("record 0: observation/matrix is NaN or infinite.* of 6 such", found[0])
    assert re.search("record 2: observation/position is NaN or infinite.* of 2 such", found[1])
    assert re.search("record 1: action is outside its bounds.* of 1 such", found[2])
    assert len(found) == 3
    assert "no finite frame" in _line(output, "observation/matrix")
    assert "nan" not in _line(output, "observation/position").lower()


def test_reports_a_changed_dataset(write_dataset, make_spec, make_episode, capsys):
    folder = write_dataset([make_episode(3)], make_spec())
    other = write_dataset([make_episode(3, 1)], make_spec(), name="other")
    os.replace(other / "shard-00000.tfrecord", folder / "shard-00000.tfrecord")
    assert inspect.main([os.fspath(folder)]) == 0
    line = _line(capsys.readouterr().out, "manifest")
    assert re.search(
        "DIFFERS: the shard shard-00000.tfrecord has SHA-256 .* manifest.json says", line
    )


def test_reports_fragments_of_episodes(tmp_path, make_spec, make_episode, capsys):
    path = os.fspath(tmp_path / "b.tfrecord")
    frames = tf.nest.map_structure(
        lambda *x: np.concatenate(x)[2:], make_episode(5).frames, make_episode(3, 1).frames
    )
    example_encoding_dataset.encode_spec_to_file(path + ".spec", make_spec())
    with tf.io.TFRecordWriter(path) as writer:
        for record in encoding.encode_frames(frames, make_spec(), "raw"):
            writer.write(record)
    assert inspect.main([path]) == 0
    printed = capsys.readouterr().out
    assert _line(printed, "fragments").endswith(
        "3 frames at the start of 1 shards, which begin within an episode; they are not used"
    )
    assert _line(printed, "episodes").split()[1] == "1"


def test_reports_duplicate_episodes(write_dataset, make_spec, make_episode, capsys):
    folder = write_dataset([make_episode(3, seed) for seed in (0, 1, 0, 2, 1, 0)], make_spec())
    assert inspect.main([os.fspath(folder)]) == 0
    printed = capsys.readouterr().out
    assert _line(printed, "duplicates").endswith("episodes 0 = 2 = 5; 1 = 4")
    assert _line(printed, "episodes").endswith("6 (3 different)")
    many = [make_episode(2, seed // 2) for seed in range(26)]
    assert inspect.main([os.fspath(write_dataset(many, make_spec(), name="many"))]) == 0
    line = _line(capsys.readouterr().out, "duplicates")
    assert line.endswith("18 = 19; and 3 more groups")


def test_plots_show_returns_actions_and_images(
    write_dataset, make_spec, make_episode, tmp_path, capsys
):
    shape = (12, 16, 3)
    folder = write_dataset([make_episode(n, n, shape) for n in range(5, 15)], make_spec(shape))
    assert inspect.main([os.fspath(folder), f"--plot={tmp_path / 'out.png'}"]) == 0
    assert tf.io.decode_png((tmp_path / "out.png").read_bytes()).shape[-1] in (3, 4)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dataset", "out.png"]
    found = dataset_summary.summarize_dataset(folder)
    drawing = plots.draw_plots(found)
    panels = {axes.get_title() or axes.get_xlabel(): axes for axes in drawing.axes}
    heights = {name: sum(bar.get_height() for bar in a.patches) for name, a in panels.items()}
    executed = sum(range(4, 14))
    assert heights["return"] == heights["frames per episode"] == 10
    assert heights["action[0]"] == heights["action[1]"] == executed
    first = next(data.read_episodes(folder)).frames.observation["rgb"]
    strip = [axes.images[0].get_array() for axes in drawing.axes if axes.images]
    np.testing.assert_array_equal(strip, first)


def test_images_with_the_channels_first_are_shown(write_dataset, make_spec, make_episode):
    shape = (3, 12, 16)
    folder = write_dataset([make_episode(3, 0, shape)], make_spec(shape), image_format="raw")
    (images,) = dataset_summary.summarize_dataset(folder).images.values()
    first = next(data.read_episodes(folder)).frames.observation["rgb"]
    np.testing.assert_array_equal(images, first.transpose(0, 2, 3, 1))


def test_plots_omit_values_that_are_not_finite(bad_shard, tmp_path, capsys):
    assert inspect.main([bad_shard, f"--plot={tmp_path / 'out.png'}"]) == 0
    assert (tmp_path / "out.png").stat().st_size


@pytest.mark.parametrize(
    ("name", "problem"),
    [("out.jpg", "plots are PNG files"), ("bad.tfrecord/out.png", "cannot write ")],
)
def test_rejects_bad_plot_paths(bad_shard, tmp_path, capsys, name, problem):
    assert inspect.main([bad_shard, f"--plot={tmp_path / name}"]) == 1
    printed = capsys.readouterr()
    assert printed.out == "" and str(tmp_path / name) in printed.err and problem in printed.err


def test_unreadable_data_gives_one_line_and_exit_code_1(tmp_path):
    done = _run(tmp_path / "missing")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"error: {tmp_path}/missing: no such file or folder; check the path.\n"


def test_help_and_usage(capsys):
    with pytest.raises(SystemExit) as caught:
        inspect.main(["--help"])
    assert caught.value.code == 0
    assert "folder of shards" in capsys.readouterr().out
    with pytest.raises(SystemExit) as caught:
        inspect.main([])
    assert caught.value.code == 2
