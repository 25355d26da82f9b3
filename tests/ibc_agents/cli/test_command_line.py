"""Running a command: exit codes and messages."""

import sys

import pytest

from data import errors as data_errors
from environments import errors as environment_errors
from ibc_agents import samplers
from ibc_agents.cli import command_line, gin_files, installation
from ibc_agents.core import errors


@pytest.fixture
def run(monkeypatch):
    """Runs a function as a command and returns the exit code."""
    monkeypatch.setattr(sys, "argv", ["command"])
    monkeypatch.setattr(command_line.startup_logs, "silence_startup_logs", lambda: None)

    def run(main, **options):
        try:
            command_line.run(main, **options)
        except SystemExit as end:
            return end.code
        return 0

    return run


def raising(error):
    def main():
        raise error

    return main


def test_exit_codes(run, capsys):
    assert run(lambda: None) == 0
    assert run(raising(errors.RunError("a sentence."))) == "error: a sentence."
    assert run(raising(data_errors.DataError("one of data."))) == "error: one of data."
    assert run(raising(environment_errors.RenderingError("no screen."))) == "error: no screen."
    assert run(raising(KeyboardInterrupt()), after_interrupt="so be it") == 130
    assert capsys.readouterr().out == "\ninterrupted; so be it\n"


def test_program_errors_keep_their_traceback(run):
    for error in (ValueError("a fault"), TypeError("another"), RuntimeError("a third")):
        with pytest.raises(type(error), match=str(error)):
            command_line.run(raising(error))


def test_a_wrong_value_of_a_configured_class_is_an_error_of_the_user(run):
    """The object is constructed after the gin files are parsed."""
    gin_files.parse_gin([], ["Langevin.num_iterations = 0"])
    error = run(samplers.Langevin)
    assert error == (
        "error: in the gin configuration: Langevin.num_iterations must be an integer of at least "
        "1, got 0. It is set in line 1 of the bindings."
    )


@pytest.mark.parametrize("flag", ["--help", "--helpshort", "--helpfull"])
def test_help_exits_with_0(run, monkeypatch, flag):
    monkeypatch.setattr(sys, "argv", ["command", flag])
    assert run(lambda: pytest.fail("help does not run the command")) == 0


def test_unknown_flags_and_positional_arguments_are_rejected(run, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["command", "there"])
    assert run(lambda: None) == "error: unexpected argument 'there'; see --help"
    monkeypatch.setattr(sys, "argv", ["command", "--no_such_flag=1"])
    assert "no_such_flag" in run(lambda: None)


def test_a_broken_installation_is_reported(run, monkeypatch):
    def check():
        raise errors.RunError("reinstall it.")

    monkeypatch.setattr(installation, "check_installation", check)
    assert run(lambda: pytest.fail("must not run")) == "error: reinstall it."
