"""Reading shards of this project and of TF-Agents, valid and damaged."""

import gzip
import os
import pathlib
import shutil
import struct

import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st
from tf_agents.utils import example_encoding, example_encoding_dataset

import data
from data.shards import record_files, shard_reader

IMAGE = (6, 5, 3)


def _observe(path, spec, episodes, compress=False):
    """Writes a shard with TF-Agents' own observer."""
    observer = example_encoding_dataset.TFRecordObserver(
        os.fspath(path), spec, py_mode=True, compress_image=compress
    )
    for episode in episodes:
        for row in range(episode.num_frames):
            frame = tf.nest.map_structure(lambda leaf: leaf[row], episode.frames)  # noqa: B023
            observer._writer.write(observer._encoder(frame))
    observer.close()
    return os.fspath(path)


def _record_offsets(shard):
    """Returns where each record starts, from the lengths in the file."""
    content, offsets, at = open(shard, "rb").read(), [], 0
    while at < len(content):
        offsets.append(at)
        at += 16 + struct.unpack_from("<Q", content, at)[0]
    return offsets


@pytest.fixture
def shard(tmp_path, make_spec, make_episode):
    """A valid shard of two episodes of 4 and 3 frames."""
    return _observe(tmp_path / "a.tfrecord", make_spec(), [make_episode(4), make_episode(3, 1)])


@pytest.mark.parametrize("image_shape", [None, IMAGE])
def test_reads_shards_of_the_tf_agents_observer(
    tmp_path, make_spec, make_episode, assert_same_frames, image_shape
):
    originals = [make_episode(n, n, image_shape) for n in (5, 1, 3)]
    path = _observe(tmp_path / "a.tfrecord", make_spec(image_shape), originals)
    read = list(data.read_episodes(path))
    assert len(read) == 3
    for actual, expected in zip(read, originals):
        assert_same_frames(actual.frames, expected.frames)


@pytest.mark.parametrize("image_shape", [IMAGE, (8, 8, 1)])
def test_reads_compressed_images_as_tf_agents_does(
    tmp_path, make_spec, make_episode, assert_same_frames, image_shape
):
    spec = make_spec(image_shape)
    path = _observe(tmp_path / "a.tfrecord", spec, [make_episode(5, 0, image_shape)], compress=True)
    theirs = example_encoding_dataset.load_tfrecord_dataset(
        [path], compress_image=True, add_batch_dim=False
    )
    frames = list(theirs.as_numpy_iterator())
    stacked = tf.nest.map_structure(lambda *leaves: np.stack(leaves), *frames)
    (episode,) = data.read_episodes(path)
    assert_same_frames(tuple(episode.frames), tuple(stacked))


@pytest.mark.parametrize("magic", [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"])
def test_raw_images_that_begin_like_a_compressed_one_stay_raw(
    tmp_path, make_spec, make_episode, assert_same_frames, magic
):
    episode = make_episode(3, 0, IMAGE)
    episode.frames.observation["rgb"].reshape(3, -1)[:, : len(magic)] = list(magic)
    path = _observe(tmp_path / "a.tfrecord", make_spec(IMAGE), [episode])
    (read,) = data.read_episodes(path)
    assert_same_frames(read.frames, episode.frames)


@pytest.mark.parametrize("dtype", [np.float16, np.uint8, np.int8, np.uint16, np.int16, np.int32])
def test_reads_every_dtype_that_tf_agents_stores(
    tmp_path, make_spec, make_episode, assert_same_frames, dtype
):
    episode = make_episode(4)
    episode.frames.observation["extra"] = np.arange(12).reshape(4, 3).astype(dtype)
    spec = make_spec()
    spec.observation["extra"] = tf.TensorSpec([3], dtype)
    (read,) = data.read_episodes(_observe(tmp_path / "a.tfrecord", spec, [episode]))
    assert_same_frames(read.frames, episode.frames)


def test_chunk_boundaries_have_no_effect(monkeypatch, shard):
    whole = [episode.content_hash for episode in data.read_episodes(shard)]
    monkeypatch.setattr(shard_reader, "_MAX_CHUNK_FRAMES", 3)
    assert [episode.content_hash for episode in data.read_episodes(shard)] == whole


def test_an_episode_ends_with_its_shard(tmp_path, make_spec, make_episode):
    for name in "ab":
        episode = make_episode(3, ends=False)
        _observe(tmp_path / f"{name}.tfrecord", make_spec(), [episode])
    assert [episode.num_frames for episode in data.read_episodes(tmp_path)] == [3, 3]


def test_the_spec_is_read_as_it_was_written(shard, make_spec):
    spec = data.read_spec(shard)
    assert type(spec) is type(make_spec())
    assert spec == make_spec()


@hypothesis.settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
@hypothesis.given(fraction=st.floats(0.001, 0.999))
@hypothesis.example(fraction=0.005)
def test_a_truncated_shard_names_the_record(shard, fraction):
    offsets, size = _record_offsets(shard), os.path.getsize(shard)
    cut = max(1, int(fraction * size))
    hypothesis.assume(cut not in offsets)
    record = sum(offset < cut for offset in offsets) - 1
    short = shard.replace("a.tfrecord", "short.tfrecord")
    with open(shard, "rb") as source, open(short, "wb") as target:
        target.write(source.read()[:cut])
    shutil.copy(shard + ".spec", short + ".spec")
    with pytest.raises(data.DataError, match=rf"short.tfrecord: record {record} is cut off"):
        list(data.read_episodes(short))


@pytest.mark.parametrize("record", [0, 3, 6])
def test_a_flipped_bit_names_the_record(shard, record):
    offset = _record_offsets(shard)[record] + 20
    with open(shard, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 4]))
    with pytest.raises(data.DataError, match=f"a.tfrecord: record {record} is corrupt: its check"):
        list(data.read_episodes(shard))


def test_reports_an_empty_shard(shard):
    open(shard, "wb").close()
    with pytest.raises(data.DataError, match="a.tfrecord: the file contains no record"):
        list(data.read_episodes(shard))


@pytest.mark.parametrize(
    ("size", "message"),
    [(0, "the file contains no record"), (4, "record 0 is cut off"), (1000, "record 3 is cut off")],
)
def test_names_the_bad_one_of_several_shards(monkeypatch, shard, size, message):
    monkeypatch.setattr(shard_reader, "_MAX_CHUNK_FRAMES", 1)
    for name in "bcd":
        copy = shard.replace("a.tfrecord", f"{name}.tfrecord")
        for suffix in ("", ".spec"):
            shutil.copy(shard + suffix, copy + suffix)
    bad = shard.replace("a.tfrecord", "c.tfrecord")
    os.truncate(bad, size)
    with pytest.raises(data.DataError, match=f"c.tfrecord: {message}"):
        list(data.read_episodes(os.path.dirname(shard)))


def test_reports_a_missing_spec(shard):
    os.remove(shard + ".spec")
    with pytest.raises(data.DataError, match="a.tfrecord.spec: no such file"):
        list(data.read_episodes(shard))


def test_shards_with_different_specs(tmp_path, shard, make_spec, make_episode):
    spec = make_spec()
    spec = spec._replace(reward=tf.TensorSpec([], tf.float64))
    example_encoding_dataset.encode_spec_to_file(os.fspath(tmp_path / "b.tfrecord.spec"), spec)
    (tmp_path / "b.tfrecord").write_bytes(b"")
    with pytest.raises(data.DataError, match="b.tfrecord: its spec differs from that of .*: re"):
        list(data.read_episodes(tmp_path))


@pytest.mark.parametrize("suffix", ["", ".spec"])
@pytest.mark.parametrize("length", [2**31, 2**50, 2**63])
@pytest.mark.parametrize("compressed", [False, True])
def test_contract_dataset_format_records_fit_their_file(shard, suffix, length, compressed):
    """TensorFlow allocates the claimed length, which ends the process."""
    header = struct.pack("<Q", length)
    content = header + struct.pack("<I", record_files.masked_crc32c(header)) + bytes(100)
    with open(shard + suffix, "wb") as file:
        file.write(gzip.compress(content) if compressed else content)
    with pytest.raises(data.DataError, match=f"a.tfrecord{suffix}: record 0 claims {length} bytes"):
        list(data.read_episodes(shard))


@pytest.mark.parametrize("suffix", ["", ".spec"])
@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("pipe", r"cannot be read \(it is a pipe\)"),
        ("device", r"cannot be read \(it is a device\)"),
        ("loop", r"cannot be read \(Too many levels of symbolic links\)"),
        ("folder", r"(cannot be read \(it is a folder\)|this folder contains no .tfrecord shard)"),
    ],
)
def test_what_is_no_regular_file_is_rejected_at_once(shard, suffix, kind, message):
    path = pathlib.Path(shard + suffix)
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero" if kind == "device" else path)
    with pytest.raises(data.DataError, match=f"a.tfrecord{suffix}: {message}"):
        list(data.read_episodes(shard))


@pytest.mark.parametrize("compressed", [False, True])
def test_zeros_at_the_end_are_not_records(shard, compressed):
    """A power failure can leave a file of the right length whose last blocks are zeros."""
    content = open(shard, "rb").read() + bytes(10_000_000)
    with open(shard, "wb") as file:
        file.write(gzip.compress(content, 1) if compressed else content)
    with pytest.raises(data.DataError, match="a.tfrecord: record 7 is corrupt: its checksum does"):
        record_files.scan(shard, 2**20)


def _compress(path, to):
    with open(path, "rb") as source, gzip.open(to, "wb") as file:
        shutil.copyfileobj(source, file)
    os.remove(path)


@pytest.mark.parametrize(
    ("shard_name", "spec_name"),
    [
        ("a.tfrecord", "a.tfrecord.spec"),
        ("a.tfrecord.gz", "a.tfrecord.gz.spec"),
        ("a.tfrecord.gz", "a.tfrecord.spec"),
        ("a.tfrecord.gz", "a.tfrecord.spec.gz"),
    ],
)
def test_reads_shards_that_gzip_compressed(
    tmp_path, shard, assert_same_frames, shard_name, spec_name
):
    expected = [episode.frames for episode in data.read_episodes(shard)]
    folder = tmp_path / "compressed"
    folder.mkdir()
    _compress(shard, folder / shard_name)
    if spec_name.endswith(".gz"):
        _compress(shard + ".spec", folder / spec_name)
    else:
        os.replace(shard + ".spec", folder / spec_name)
    for paths in (folder, folder / "*.tfrecord*", folder / shard_name):
        found = list(data.read_episodes(paths))
        for episode, frames in zip(found, expected, strict=True):
            assert_same_frames(episode.frames, frames)


@pytest.mark.parametrize("kept", [3, 11, 40, 200, -1, -9])
def test_a_compressed_shard_that_is_cut_off(shard, kept):
    content = gzip.compress(open(shard, "rb").read())[:kept]
    with open(shard, "wb") as file:
        file.write(content)
    with pytest.raises(
        data.DataError, match=r"a.tfrecord: record \d+ (is cut off|cannot be decom)"
    ):
        list(data.read_episodes(shard))


def test_a_length_that_looks_like_compression_is_a_length(tmp_path):
    """The length 559,903 has the first bytes of a gzip file."""
    path = os.fspath(tmp_path / "a")
    with tf.io.TFRecordWriter(path) as writer:
        writer.write(bytes(559_903))
    assert open(path, "rb").read(3) == b"\x1f\x8b\x08"
    assert record_files.scan(path, 2**20) == record_files.RecordFile(path, "", 1, 559_903)


def test_without_a_first_frame_there_is_no_episode(tmp_path, make_spec, make_episode):
    frames = make_episode(3).frames
    frames.step_type[:] = frames.next_step_type[:] = 1
    path = _observe(tmp_path / "a.tfrecord", make_spec(), [data.Episode(frames)])
    with pytest.raises(data.DataError, match="a.tfrecord: no episode begins: no record has"):
        list(data.read_episodes(path))


def _append(shard, spec, frame_of):
    """Inserts a record with a changed feature into the valid shard."""
    records = list(tf.data.TFRecordDataset(shard).as_numpy_iterator())
    example = tf.train.Example.FromString(records[1])
    frame_of(example.features.feature)
    with tf.io.TFRecordWriter(shard) as writer:
        for record in [*records[:2], example.SerializeToString(), *records[2:]]:
            writer.write(record)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda f: f["action"].float_list.value.append(0.0),
            "action has 3 numbers",
        ),
        (lambda f: f.pop("action"), "lacks the leaf action"),
        (lambda f: f["reward"].int64_list.value.append(1), "reward is stored as int64_list"),
        (lambda f: f["step_type"].bytes_list.value.append(b"1"), "step_type has 2 byte strings"),
        (
            lambda f: f["step_type"].bytes_list.value.__setitem__(0, b"12345678"),
            "step_type has 8 bytes; expected 4",
        ),
    ],
)
def test_a_record_that_does_not_match_the_spec(shard, make_spec, change, message):
    _append(shard, make_spec(), change)
    with pytest.raises(data.DataError, match=f"a.tfrecord: record 2 .*{message}"):
        list(data.read_episodes(shard))


def test_reports_a_record_that_is_not_an_example(shard):
    with tf.io.TFRecordWriter(shard) as writer:
        writer.write(b"\xff\xff not a proto")
    with pytest.raises(data.DataError, match="a.tfrecord: record 0 is not a tf.train.Example"):
        list(data.read_episodes(shard))


def test_reports_a_damaged_image(tmp_path, make_spec, make_episode):
    spec = make_spec(IMAGE)
    path = _observe(tmp_path / "a.tfrecord", spec, [make_episode(4, 0, IMAGE)], compress=True)
    small = tf.io.encode_jpeg(np.zeros((2, 2, 3), np.uint8)).numpy()
    for image, message in (
        (small, r"is an image of shape \(2, 2, 3\); expected"),
        (b"no image", "is no PNG or JPEG; expected"),
    ):
        _append(path, spec, lambda f: f["observation/rgb"].bytes_list.value.__setitem__(0, image))  # noqa: B023
        with pytest.raises(data.DataError, match=f"record 2 .*observation/rgb {message}"):
            list(data.read_episodes(path))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("leaf", ["action", "observation/position", "observation/matrix"])
def test_values_that_are_not_finite(tmp_path, make_spec, make_episode, value, leaf):
    bad = make_episode(4, 1)
    values = bad.frames.action if leaf == "action" else bad.frames.observation[leaf[12:]]
    values[2].reshape(-1)[1] = value
    path = _observe(tmp_path / "a.tfrecord", make_spec(), [make_episode(5), bad])
    with pytest.raises(data.DataError, match=f"a.tfrecord: record 7: {leaf} is NaN or infinite"):
        list(data.read_episodes(path))


@pytest.mark.parametrize(("value", "good"), [(2.00001, True), (2.0001, False), (-1.001, False)])
def test_actions_outside_the_bounds(tmp_path, make_spec, make_episode, value, good):
    episode = make_episode(4)
    episode.frames.action[1, 1] = value
    # An action that was never executed may have any value.
    episode.frames.action[3] = [100.0, np.nan]
    episode.frames.discount[3] = np.nan
    path = _observe(tmp_path / "a.tfrecord", make_spec(), [episode])
    if good:
        assert len(list(data.read_episodes(path))) == 1
        return
    message = r"a.tfrecord: record 1: action is outside .* element \[1\], allowed -1 to 2"
    with pytest.raises(data.DataError, match=message):
        list(data.read_episodes(path))


@pytest.mark.parametrize("value", [-0.1, 1.1, np.nan])
def test_discounts_are_between_0_and_1(tmp_path, make_spec, make_episode, value):
    episode = make_episode(4)
    episode.frames.discount[2] = value
    path = _observe(tmp_path / "a.tfrecord", make_spec(), [episode])
    with pytest.raises(data.DataError, match="a.tfrecord: record 2: discount is (outside|NaN)"):
        list(data.read_episodes(path))


def test_every_error_is_one_line(shard):
    with open(shard, "r+b") as file:
        file.truncate(100)
    with pytest.raises(data.DataError) as caught:
        list(data.read_episodes(shard))
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


def test_contract_dataset_format_is_that_of_example_encoding(make_spec, make_episode):
    from data.shards import encoding

    for image_shape, image_format in ((None, "raw"), (IMAGE, "raw"), (IMAGE, "jpeg")):
        spec, episode = make_spec(image_shape), make_episode(3, 0, image_shape)
        encode = example_encoding.get_example_encoder(spec, compress_image=image_format == "jpeg")
        for row, record in enumerate(encoding.encode_frames(episode.frames, spec, image_format)):
            frame = tf.nest.map_structure(lambda leaf: leaf[row], episode.frames)  # noqa: B023
            assert tf.train.Example.FromString(record) == encode(frame)
