"""Flags of paths: home folders, URLs, and their use by every command."""

import importlib
import pathlib
import sys

import pytest
from absl import flags

import data
import ibc_agents
from ibc_agents.cli import command_line, path_flags
from tests.system import helpers

COMMANDS = (
    *(f"ibc_agents.{name}" for name in ("train", "evaluate", "collect", "plot_energy")),
    "ibc_agents.distributed.__main__",
    *(
        f"data.{path.stem}"
        for path in sorted(pathlib.Path(data.__file__).parent.glob("*.py"))
        if path.stem.startswith(("import_", "export_", "download"))
    ),
)
# Flags of text that is no path.
WORDS = {
    "dataset_id",
    "environment",
    "filter_key",
    "gin_bindings",
    "name",
    "sha256",
    "split",
    "task",
}


@pytest.fixture
def parse(monkeypatch):
    """Defines flags of paths, and returns a function that parses arguments."""
    monkeypatch.setenv("HOME", "/user/me")
    with helpers.own_flags():
        path_flags.define_path("path", "~/default", "A path.")
        path_flags.define_path("source", None, "A path.", accept_url=True)
        path_flags.define_paths("paths", "Paths.")

        def parse(*arguments):
            command_line.parse_flags(["command", *arguments])
            return flags.FLAGS.path, flags.FLAGS.source, flags.FLAGS.paths

        yield parse


def test_home_folders_are_expanded(parse):
    assert parse("--paths=~/a", "--paths=b/~", "--source=~") == (
        "/user/me/default",
        "/user/me",
        ["/user/me/a", "b/~"],
    )


@pytest.mark.parametrize(
    ("argument", "problem"),
    [
        ("--path=gs://bucket/run", "--path=gs://bucket/run: gs://bucket/run is a URL"),
        ("--path=s3:/bucket", "s3:/bucket is a URL"),
        ("--paths=file:///tmp/x", "file:///tmp/x is a URL"),
        ("--path=~no_such_user/run", "~no_such_user has no home folder"),
        ("--path=", "a path is empty"),
    ],
)
def test_what_is_no_path_is_rejected(parse, argument, problem):
    with pytest.raises(SystemExit) as caught:
        parse(argument)
    assert str(caught.value).startswith("error: ")
    assert problem in str(caught.value) and str(caught.value).endswith("; see --help")


def test_sources_of_tensorflow_may_be_urls(parse):
    assert parse("--source=gs://bucket/dataset")[1] == "gs://bucket/dataset"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_text_flag_of_a_command_is_a_path_or_a_word(command):
    before = set(flags.FLAGS)
    with helpers.own_flags():
        importlib.import_module(command)
        del sys.modules[command]
        defined = {name: flags.FLAGS[name] for name in set(flags.FLAGS) - before}
    text = {name for name, flag in defined.items() if type(flag.parser) is flags.ArgumentParser}
    assert text <= WORDS
    assert any(isinstance(flag.parser, path_flags._PathParser) for flag in defined.values())


def test_missing_and_unknown_flags_are_named(monkeypatch):
    with helpers.own_flags():
        path_flags.define_path("policy", None, "A path.", required=True)
        for arguments, message in (
            ([], "error: --policy is missing; see --help"),
            (["--polcy=x"], "error: Unknown command line flag 'polcy'. Did you mean: policy"),
        ):
            with pytest.raises(SystemExit, match=message):
                command_line.parse_flags(["command", *arguments])


def test_the_library_expands_and_rejects_paths_too(tmp_path, monkeypatch):
    from ibc_agents.core import errors
    from ibc_agents.runs import experiment, run_directory

    monkeypatch.setenv("HOME", str(tmp_path))
    assert run_directory.RunDirectory("~/run").path == tmp_path / "run"
    for path in ("gs://bucket/run", pathlib.Path("gs://bucket/run")):
        with pytest.raises(errors.RunError, match="is a URL"):
            run_directory.RunDirectory(path)
        with pytest.raises(errors.RunError, match="is a URL"):
            experiment.Experiment(path, "data", ibc_agents.MseAgent, data.InMemorySource())
