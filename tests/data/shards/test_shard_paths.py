"""What a path refers to: shards, or a description of what it holds instead."""

import os

import pytest

import data


def test_resolve_shards_of_folder_glob_file_and_list(tmp_path):
    shard, other = os.fspath(tmp_path / "a.tfrecord"), tmp_path / "b.tfrecord"
    for name in ("a.tfrecord", "a.tfrecord.spec", "b.tfrecord.spec.gz", ".hidden.tfrecord"):
        (tmp_path / name).write_bytes(b"")
    other.write_bytes(b"")
    (tmp_path / "notes.txt").write_text("")
    both = [shard, os.fspath(other)]
    assert data.resolve_shards(tmp_path) == both
    assert data.resolve_shards(os.fspath(tmp_path / "*.tfrecord*")) == both
    assert data.resolve_shards(shard) == [shard]
    assert data.resolve_shards([other, shard, shard]) == both


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing", "missing: no such file or folder"),
        ("*.nothing", r"\*.nothing: no file matches this pattern"),
        ("empty", "empty: this folder contains no .tfrecord shard"),
    ],
)
def test_rejects_paths_without_shards(tmp_path, name, message):
    (tmp_path / "empty").mkdir()
    with pytest.raises(data.DataError, match=message):
        data.resolve_shards(tmp_path / name)


@pytest.mark.parametrize("paths", [None, 5, [], {"a": 1}])
def test_rejects_what_is_no_list_of_paths(paths):
    with pytest.raises(data.DataError, match="the path to demonstrations is .*; name a folder"):
        data.resolve_shards(paths)


@pytest.mark.parametrize("path", [[3], ["a\0*"], ["\ud800*"], [b"a"]])
def test_rejects_what_is_no_path(path):
    with pytest.raises(data.DataError, match="is no path; name a folder"):
        data.resolve_shards(path)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("gs://bucket/demonstrations", "gs://bucket/demonstrations is a URL"),
        ("s3://bucket/*.tfrecord", "object stores are not supported"),
        ("", "a path is empty"),
        ("~unknown-user-name/a", "~unknown-user-name has no home folder"),
    ],
)
def test_rejects_what_is_not_of_this_machine(path, message):
    with pytest.raises(data.DataError, match=message):
        data.resolve_shards(path)


def test_the_home_folder_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", os.fspath(tmp_path))
    _write(tmp_path / "d" / "a.tfrecord")
    for path in ("~/d", "~/d/a.tfrecord", "~/d/*.tfrecord"):
        assert data.resolve_shards(path) == [os.fspath(tmp_path / "d" / "a.tfrecord")]


def _write(path, content=b""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("contents", "path", "message"),
    [
        (
            {"a.hdf5": b"\x89HDF\r\n\x1a\n..."},
            "a.hdf5",
            "is an HDF5 file; .* data.import_robomimic",
        ),
        ({"a": b"\x89HDF\r\n\x1a\n..."}, "a", "is an HDF5 file; .* data.import_d4rl"),
        ({"d/demo.hdf5": b""}, "d", "contains HDF5 files; import one of them"),
        ({"d/data/main_data.hdf5": b""}, "d", "is a Minari dataset; .* data.import_minari"),
        ({"d/data/main_data.hdf5": b""}, "d/data", "is the inner folder of a Minari dataset"),
        (
            {"1.0.0/dataset_info.json": b"", "1.0.0/a-train.tfrecord-00000-of-00001": b""},
            "1.0.0",
            "is a dataset of TensorFlow Datasets; .* data.import_rlds",
        ),
        ({"d/1.0.0/dataset_info.json": b""}, "d", "holds versions of a dataset of TensorFlow"),
        ({"d/meta/info.json": b""}, "d", "is a LeRobot dataset; no importer"),
        ({"d.zarr/.zgroup": b""}, "d.zarr", "is a Zarr store; import it with"),
        ({"a.npz": b"PK\x03\x04"}, "a.npz", "is a zip archive, such as of NumPy"),
        ({"run/operative_config.gin": b""}, "run", "is the folder of a run; name the dataset"),
        ({"run/policy/saved_model.pb": b""}, "run/policy", "is a SavedModel"),
        ({"d/manifest.json": b""}, "d/manifest.json", "is the manifest of a dataset; name its f"),
        ({"d/a.tfrecord.spec": b""}, "d/a.tfrecord.spec", "is the spec of a shard; name the shard"),
        (
            {"d/one/manifest.json": b"", "d/two/manifest.json": b""},
            "d",
            "contains several datasets",
        ),
    ],
)
def test_names_what_else_a_path_holds(tmp_path, contents, path, message):
    for name, content in contents.items():
        _write(tmp_path / name, content)
    with pytest.raises(data.DataError, match=f"{tmp_path / path} {message}"):
        data.resolve_shards(tmp_path / path)


def test_other_files_beside_shards_do_not_matter(tmp_path):
    for name in ("a.tfrecord", "notes.hdf5", "operative_config.gin", "old/manifest.json"):
        _write(tmp_path / name)
    assert data.resolve_shards(tmp_path) == [os.fspath(tmp_path / "a.tfrecord")]
