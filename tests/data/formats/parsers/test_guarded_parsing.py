"""A parser that fails in any way ends in a sentence of the process that needs it."""

import os
import textwrap

import pytest

import data
from data.formats.parsers import guarded_parsing

PARSER = """
    import os, signal, sys

    def parse(path, how):
        yield {"path": path}
        if how == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        elif how == "exit":
            os._exit(3)
        elif how == "memory":
            yield len(bytearray(1 << 33))
        elif how == "recursion":
            yield from parse(path, how)
        elif how == "bytes":
            yield b"\\xff".decode()
        elif how == "loop":
            while True:
                pass
        elif how == "output":
            print("words of a library"), os.write(2, b"words in C")
        elif how == "sentence":
            from data.errors import DataError
            raise DataError("it has no steps.")
"""


@pytest.fixture
def parse(tmp_path, monkeypatch):
    """Parses an existing file, and returns what the parser yields."""
    (tmp_path / "misbehaving_parser.py").write_text(textwrap.dedent(PARSER))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_bytes(b"content")
    return lambda how, source="file": list(
        guarded_parsing.parse("misbehaving_parser", source, "a list of steps", how)
    )


def test_yields_what_the_parser_yields(parse, tmp_path, capfd):
    assert parse("output") == [{"path": str(tmp_path / "file")}]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("crash", "the library that parses it ended with SIGSEGV"),
        ("exit", "the library that parses it ended with exit code 3"),
        ("loop", "the library that parses it did not end in the time that a file of this size"),
        ("memory", "it needs more than the 4096 MiB that a file of this size may need"),
        ("recursion", "maximum recursion depth exceeded"),
        ("bytes", "'utf-8' codec can't decode byte 0xff"),
    ],
)
def test_contract_foreign_files_that_cannot_be_parsed_are_one_error(parse, how, reason):
    with pytest.raises(data.DataError) as raised:
        parse(how)
    assert str(raised.value).startswith(f"file: cannot be read as a list of steps ({reason}")


def test_keeps_sentences_and_chains_the_traceback_of_other_errors(parse):
    with pytest.raises(data.DataError, match=r"^file: it has no steps\.$"):
        parse("sentence")
    with pytest.raises(data.DataError) as raised:
        parse("bytes")
    assert isinstance(raised.value.__cause__, guarded_parsing.ParserError)
    assert "misbehaving_parser.py" in str(raised.value.__cause__)


def test_rejects_what_is_neither_a_file_nor_a_folder(parse, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(data.DataError, match=r"pipe: cannot be read .*pipe: it is a pipe\)"):
        parse("output", str(tmp_path / "pipe"))
    with pytest.raises(data.DataError, match=r"absent: no such file or folder; name a list of"):
        parse("output", "absent")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "loop").symlink_to("loop")
    (tmp_path / "folder" / "itself").symlink_to(tmp_path / "folder")
    with pytest.raises(data.DataError, match="folder: cannot be read .*loop: .*symbolic links"):
        parse("output", str(tmp_path / "folder"))
