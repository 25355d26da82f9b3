"""EpisodeWriter: the content of dataset folders, which appear complete or not at all."""

import os
import pathlib
import signal
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.specs import tensor_spec
from tf_agents.utils import example_encoding_dataset

import data
from data import episodes
from data.shards import manifest

IMAGE = (16, 12, 3)
GRAY = (16, 12, 1)
ROOT = pathlib.Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("num_shards", [1, 2, 5])
def test_reads_back_what_was_written(
    write_dataset, make_spec, make_episode, assert_same_frames, num_shards
):
    originals = [make_episode(n, n) for n in (4, 1, 6)]
    folder = write_dataset(originals, make_spec(), num_shards=num_shards)
    read = {episode.content_hash: episode for episode in data.read_episodes(folder)}
    assert len(read) == 3
    for episode in originals:
        assert_same_frames(read[episode.content_hash].frames, episode.frames)


@pytest.mark.parametrize(
    ("image_shape", "image_format"),
    [(None, "raw"), (IMAGE, "raw"), (IMAGE, "png"), (GRAY, "png"), (IMAGE, "jpeg"), (GRAY, "jpeg")],
)
def test_tf_agents_reads_it(write_dataset, make_spec, make_episode, image_shape, image_format):
    episode = make_episode(5, 0, image_shape)
    folder = write_dataset([episode], make_spec(image_shape), image_format=image_format)
    dataset = example_encoding_dataset.load_tfrecord_dataset(
        data.resolve_shards(folder),
        as_trajectories=True,
        add_batch_dim=False,
        compress_image=image_format != "raw",
    )
    frames = list(dataset.as_numpy_iterator())
    stacked = tf.nest.map_structure(lambda *leaves: np.stack(leaves), *frames)
    for name, actual in stacked.observation.items():
        expected = episode.frames.observation[name]
        if name == "rgb" and image_format == "jpeg":
            # JPEG is lossy: the image must be similar, not equal.
            difference = np.abs(actual.astype(float) - expected.astype(float))
            assert 0 < difference.mean() < 8
        else:
            np.testing.assert_array_equal(actual, expected)
    np.testing.assert_array_equal(stacked.action, episode.frames.action)
    np.testing.assert_array_equal(stacked.step_type, episode.frames.step_type)


def test_accepts_array_specs(write_dataset, make_spec, make_episode):
    folder = write_dataset([make_episode(3)], tensor_spec.to_nest_array_spec(make_spec()))
    assert data.read_spec(data.resolve_shards(folder)[0]) == make_spec()


def test_the_manifest_describes_the_folder(write_dataset, make_spec, make_episode):
    originals = [make_episode(n, n) for n in (4, 1, 6)]
    folder = write_dataset(originals, make_spec(), num_shards=2, extra={"environment": "toy"})
    found = data.read_manifest(folder)
    assert [(entry.episodes, entry.frames) for entry in found.shards] == [(2, 10), (1, 1)]
    assert (found.num_episodes, found.num_frames) == (3, 11)
    assert found.dataset_hash == episodes.combined_hash(e.content_hash for e in originals)
    assert found.extra == {"environment": "toy"}
    for entry in found.shards:
        assert entry.sha256 == manifest.file_sha256(folder / entry.name)
    listed = {name for entry in found.shards for name in (entry.name, entry.name + ".spec")}
    assert set(os.listdir(folder)) == listed | {"manifest.json"}


def test_the_hash_is_that_of_the_stored_images(write_dataset, make_spec, make_episode):
    folder = write_dataset([make_episode(4, 0, IMAGE)], make_spec(IMAGE), image_format="jpeg")
    (episode,) = data.read_episodes(folder)
    expected = episodes.combined_hash([episode.content_hash])
    assert data.read_manifest(folder).dataset_hash == expected


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_png_is_lossless_and_smaller(
    write_dataset, make_spec, make_episode, assert_same_frames, channels
):
    shape = (90, 120, channels)
    original, spec = make_episode(3, 0, shape), make_spec(shape)
    original.frames.observation["rgb"][0] = np.random.default_rng(0).integers(0, 256, shape)
    folders = [
        write_dataset([original], spec, image_format, image_format=image_format)
        for image_format in ("raw", "png")
    ]
    for folder in folders:
        (episode,) = data.read_episodes(folder)
        assert_same_frames(episode.frames, original.frames)
    raw, png = ((folder / "shard-00000.tfrecord").stat().st_size for folder in folders)
    assert png < 0.7 * raw


@pytest.mark.parametrize(
    ("shape", "image_format"),
    [((9, 9, 6), "png"), ((9, 9, 2), "png"), ((9, 9, 4), "jpeg"), ((3, 48, 32), "png")],
)
def test_rejects_images_that_a_format_cannot_store(tmp_path, make_spec, shape, image_format):
    with pytest.raises(data.DataError) as raised:
        data.EpisodeWriter(tmp_path / "new", make_spec(shape), image_format=image_format)
    assert f"observation/rgb is uint8 {shape}, but {image_format} stores" in str(raised.value)
    assert "use image_format='raw'" in str(raised.value)


def test_nothing_appears_when_the_block_fails(tmp_path, make_spec, make_episode):
    with pytest.raises(KeyError), data.EpisodeWriter(tmp_path / "new", make_spec()) as writer:
        writer.write(make_episode(4))
        raise KeyError("collecting failed")
    assert os.listdir(tmp_path) == []


def test_without_an_episode_there_is_no_dataset(tmp_path, make_spec):
    with pytest.raises(data.DataError, match="new: no episode was written"):
        with data.EpisodeWriter(tmp_path / "new", make_spec()):
            pass
    assert os.listdir(tmp_path) == []


def test_does_not_overwrite_a_dataset(write_dataset, make_spec, make_episode):
    folder = write_dataset([make_episode(4)], make_spec())
    before = data.read_manifest(folder)
    with pytest.raises(data.DataError, match="dataset: already exists"):
        write_dataset([make_episode(5)], make_spec())
    assert data.read_manifest(folder) == before


def test_only_one_writer_at_a_time(tmp_path, make_spec, make_episode):
    with data.EpisodeWriter(tmp_path / "new", make_spec()) as first:
        first.write(make_episode(4))
        with pytest.raises(data.DataError, match="new: another process is writing it; wait"):
            with data.EpisodeWriter(tmp_path / "new", make_spec()):
                pass
    assert os.listdir(tmp_path) == ["new"]
    assert data.read_manifest(tmp_path / "new").num_frames == 4


def test_a_folder_that_appears_meanwhile_is_not_overwritten(tmp_path, make_spec, make_episode):
    with pytest.raises(data.DataError, match="new: already exists"):
        with data.EpisodeWriter(tmp_path / "new", make_spec()) as writer:
            writer.write(make_episode(4))
            (tmp_path / "new").mkdir()
            (tmp_path / "new" / "precious").write_text("")
    assert os.listdir(tmp_path) == ["new"]
    assert os.listdir(tmp_path / "new") == ["precious"]


def test_an_empty_folder_is_filled(tmp_path, write_dataset, make_spec, make_episode):
    (tmp_path / "dataset").mkdir()
    assert data.read_manifest(write_dataset([make_episode(4)], make_spec())).num_frames == 4


def _replaced(episode, **leaves):
    return data.Episode(episode.frames._replace(**leaves))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: {"action": f.action.astype(np.float64)}, "action is float64 .* says float32"),
        (lambda f: {"action": f.action[:, :1]}, r"action is float32 \[1\] per frame"),
        (lambda f: {"action": f.action * np.nan}, "frame 0: action is NaN or infinite"),
        (lambda f: {"action": f.action + 5}, "frame 0: action is outside its bounds"),
        (lambda f: {"observation": {}}, "its nest differs from that of the spec"),
        (lambda f: {"step_type": np.int32([1, 1, 2])}, "its first frame, and no other"),
        (lambda f: {"step_type": np.int32([0, 0, 2])}, "its first frame, and no other"),
        (lambda f: {"step_type": np.int32([0, 2, 1])}, "only its last frame may"),
        (lambda f: {"step_type": np.int32([0, 4, 1])}, "only its last frame may"),
        (
            lambda f: {"next_step_type": np.int32([1, 1, 0])},
            "frame 2 has step_type 2, and the next_step_type of the one before it is 1",
        ),
        (lambda f: {"next_step_type": np.int32([1, 2, 5])}, "frame 2 has next_step_type 5"),
    ],
)
def test_rejects_an_episode_that_does_not_match_the_spec(
    tmp_path, make_spec, make_episode, change, message
):
    good = make_episode(3)
    with pytest.raises(data.DataError, match=f"new: episode 1.*{message}"):
        with data.EpisodeWriter(tmp_path / "new", make_spec()) as writer:
            writer.write(good)
            writer.write(_replaced(good, **change(good.frames)))
    assert os.listdir(tmp_path) == []


_WRITE_FOR_EVER = """
import sys, time
sys.path.insert(0, {root!r})
import data
from tests.data.conftest import _make_episode, _make_spec
with data.EpisodeWriter(sys.argv[1], _make_spec()) as writer:
    while True:
        writer.write(_make_episode(50))
        print("written", flush=True)
        time.sleep(0.01)
"""


def _start_writer(folder, **options):
    code = _WRITE_FOR_EVER.format(root=os.fspath(ROOT))
    return subprocess.Popen(
        [sys.executable, "-c", code, os.fspath(folder)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip


def test_a_killed_writer_leaves_no_dataset(tmp_path, write_dataset, make_spec, make_episode):
    process = _start_writer(tmp_path / "dataset")
    assert process.stdout.readline() == "written\n", process.stderr.read()
    assert os.listdir(tmp_path) == [".dataset.partial"]
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert os.listdir(tmp_path) == [".dataset.partial"]
    with pytest.raises(data.DataError, match="no such file"):
        data.Demonstrations.open(tmp_path / "dataset")
    write_dataset([make_episode(4)], make_spec())
    assert os.listdir(tmp_path) == ["dataset"]


def test_reports_a_full_disk_in_one_line(tmp_path):
    def limit_file_size():
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    process = _start_writer(tmp_path / "dataset", preexec_fn=limit_file_size)
    _, stderr = process.communicate(timeout=300)
    assert process.returncode == 1
    message = stderr.strip().splitlines()[-1]
    assert message.startswith(f"data.errors.DataError: cannot write {tmp_path}/dataset (File")
    assert os.listdir(tmp_path) == []


def test_reports_a_folder_that_cannot_be_created(tmp_path, make_spec):
    (tmp_path / "file").write_text("")
    with pytest.raises(data.DataError, match=r"file/new \(File exists\)"):
        with data.EpisodeWriter(tmp_path / "file" / "new", make_spec()):
            pass


def test_bad_arguments(tmp_path, make_spec):
    with pytest.raises(data.DataError, match="num_shards is 0"):
        data.EpisodeWriter(tmp_path / "new", make_spec(), num_shards=0)
    with pytest.raises(data.DataError, match="image_format is 'gif'; choose one of raw, png, jpeg"):
        data.EpisodeWriter(tmp_path / "new", make_spec(), image_format="gif")
    with pytest.raises(data.DataError, match="reward has shape .*, which is not fixed"):
        spec = make_spec()._replace(reward=tf.TensorSpec([None], tf.float32))
        data.EpisodeWriter(tmp_path / "new", spec)
    with pytest.raises(data.DataError, match="extra metadata of the dataset is not JSON"):
        data.EpisodeWriter(tmp_path / "new", make_spec(), extra={"a": np})
    assert os.listdir(tmp_path) == []
