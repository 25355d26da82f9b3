"""Atomic writing, reading of regular files only, and disk failures as user errors."""

import errno
import json
import os
import pathlib
import socket
import subprocess
import sys
from unittest import mock

import pytest

from data import errors as data_errors
from environments import errors as environment_errors
from ibc_agents.core import errors, files

NO_SPACE = OSError(errno.ENOSPC, "No space left on device")


def test_an_error_in_the_block_keeps_the_old_file_only(tmp_path):
    path = tmp_path / "file.json"
    files.write_json(path, {"old": 1})
    with pytest.raises(ZeroDivisionError), files.replacing(path) as partial:
        partial.write_text("half")
        raise ZeroDivisionError
    assert json.loads(path.read_text()) == {"old": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_json_preserves_key_order(tmp_path):
    files.write_json(tmp_path / "file.json", {"b": 1, "a": 2})
    assert (tmp_path / "file.json").read_text() == '{\n  "b": 1,\n  "a": 2\n}\n'


def test_a_partial_file_has_the_suffix_of_the_file(tmp_path):
    """Writers of images and videos select the format by the suffix."""
    with files.replacing(tmp_path / "a.png") as partial:
        assert partial.suffix == ".png" and partial.parent == tmp_path
        partial.write_bytes(b"image")
    assert (tmp_path / "a.png").read_bytes() == b"image"


def test_file_and_folder_reach_the_disk_around_the_rename(tmp_path, monkeypatch):
    """A rename that reaches the disk before the content leaves an empty file after a power cut."""
    done = []
    fsync, replace = files.fsync, files.os.replace
    monkeypatch.setattr(files, "fsync", lambda path: (done.append(path), fsync(path)))
    monkeypatch.setattr(files.os, "replace", lambda *p: (done.append("rename"), replace(*p)))
    files.write_json(tmp_path / "a.json", {})
    assert done == [tmp_path / ".a.json.partial.json", "rename", tmp_path]


def test_a_folder_is_replaced_when_the_block_ends_without_an_error(tmp_path):
    path = tmp_path / "folder"
    for content in ("old", "new"):
        with files.replacing_folder(path) as partial:
            partial.mkdir()
            (partial / "file").write_text(content)
        assert (path / "file").read_text() == content
    with pytest.raises(ValueError), files.replacing_folder(path) as partial:
        partial.mkdir()
        raise ValueError
    assert [file.name for file in tmp_path.rglob("*")] == ["folder", "file"]
    assert (path / "file").read_text() == "new"


@pytest.mark.parametrize("error_class", [errors.RunError, data_errors.DataError])
def test_disk_failures_have_the_class_of_the_caller(error_class):
    with (
        pytest.raises(error_class, match=r"^cannot write /a/b \(No space left on device\)\."),
        files.report_disk_errors("/a/b", error_class),
    ):
        raise NO_SPACE


def test_disk_failures_in_tensorflow_quote_its_message():
    import tensorflow as tf

    message = "{{function_node x}} /a/b.tmp; No space left on device [Op:SaveV2]"
    with (
        pytest.raises(errors.RunError, match=r"write /a/b \(No space left on device\)\."),
        files.report_disk_errors("/a/b"),
    ):
        raise tf.errors.ResourceExhaustedError(None, None, message)


def test_other_errors_pass_unchanged():
    with pytest.raises(ZeroDivisionError), files.report_disk_errors("/a/b"):
        raise ZeroDivisionError


def test_errors_of_all_packages_are_user_errors():
    for error_class in (
        errors.RunError,
        data_errors.DataError,
        environment_errors.RenderingError,
    ):
        assert issubclass(error_class, errors.UserError)


def test_errors_and_files_do_not_import_tensorflow():
    code = "import sys, data.errors, environments.errors, ibc_agents.core.files; "
    code += "assert 'tensorflow' not in sys.modules and 'tf_agents' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_reads_files_and_links(tmp_path):
    (tmp_path / "file").write_bytes(b"\0content")
    (tmp_path / "link").symlink_to("file")
    assert files.read_bytes(tmp_path / "link") == b"\0content"
    assert files.read_bytes(tmp_path / "file", max_bytes=8) == b"\0content"
    with pytest.raises(OSError, match="it has more than 7 bytes"):
        files.read_bytes(tmp_path / "file", max_bytes=7)


def _make(kind, path):
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "loop":
        path.symlink_to(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(os.path.relpath(path))


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("pipe", "it is a pipe"),
        ("folder", "it is a folder"),
        ("device", "it is a device"),
        ("loop", "Too many levels of symbolic links"),
        ("absent", "No such file or directory"),
        ("socket", "No such device or address"),
    ],
)
def test_rejects_what_is_no_regular_file_at_once(tmp_path, monkeypatch, kind, reason):
    monkeypatch.chdir(tmp_path)  # The path of a socket is short.
    _make(kind, tmp_path / "it")
    with pytest.raises(OSError) as caught:
        files.read_bytes(tmp_path / "it")
    assert caught.value.strerror == reason


def test_a_null_byte_in_a_path_names_no_file():
    with pytest.raises(FileNotFoundError):
        files.read_bytes("a\0b")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b'"\x80"', b"[" * 200_000, b"9" * 10_000, b"{'a': 1}"]
)
def test_damaged_json_is_a_value_error(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(ValueError):
        files.read_json(tmp_path / "a.json")


def test_reads_json(tmp_path):
    (tmp_path / "a.json").write_text('{"é": [1, 2.5, null]}', encoding="utf-8")
    assert files.read_json(tmp_path / "a.json") == {"é": [1, 2.5, None]}


def test_an_output_is_checked_before_the_work(tmp_path, monkeypatch):
    """Its folder is made; nothing else is left, and an existing file stays."""
    path = tmp_path / "new" / "deep" / "file.json"
    files.prepare_output(path)
    assert list(path.parent.iterdir()) == []
    path.write_text("old")
    files.prepare_output(path)
    assert path.read_text() == "old"
    with pytest.raises(errors.RunError, match=f"{path.parent} is a folder"):
        files.prepare_output(path.parent)
    with pytest.raises(data_errors.DataError, match=f"cannot write {path / 'b.png'} "):
        files.prepare_output(path / "b.png", data_errors.DataError)
    monkeypatch.setattr("pathlib.Path.write_bytes", mock.Mock(side_effect=NO_SPACE))
    with pytest.raises(errors.RunError, match="No space left on device"):
        files.prepare_output(tmp_path / "b.png")


def test_paths_are_of_this_machine(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert files.local_path("~/run") == tmp_path / "run"
    for path in ("run", "/a/b", "./~a", "a:b", "2024-01-01T10:00/run"):
        assert files.local_path(path) == pathlib.Path(path)
    for path in ("gs://bucket/run", pathlib.Path("s3://bucket"), "file:///tmp"):
        with pytest.raises(errors.RunError, match="is a URL"):
            files.local_path(path)
