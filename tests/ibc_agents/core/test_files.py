"""Atomic writing, and disk failures as user errors."""

import errno
import json
import subprocess
import sys

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
