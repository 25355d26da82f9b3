"""Signals end a command, also if a library loses their exception."""

import contextlib
import os
import signal
import sys
import time

import pytest

from ibc_agents.cli import command_line, interruption

NUMBERS = [signal.SIGINT, signal.SIGTERM]


@pytest.fixture
def run(monkeypatch):
    """Runs a function as a command and returns the exit code."""
    monkeypatch.setattr(sys, "argv", ["command"])
    monkeypatch.setattr(command_line.startup_logs, "silence_startup_logs", lambda: None)
    # pytest's workers may ignore SIGINT.
    before = [(number, signal.signal(number, signal.SIG_DFL)) for number in NUMBERS]

    def run(main):
        with pytest.raises(SystemExit) as end:
            command_line.run(main, "the same command continues")
        assert [signal.getsignal(number) for number in NUMBERS] == [signal.SIG_DFL] * 2
        return end.value.code

    yield run
    for number, handler in before:
        signal.signal(number, handler)


def wait():
    time.sleep(10)
    pytest.fail("the command was not interrupted")


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_ends_the_command_with_a_message(run, capsys, number):
    def main():
        signal.raise_signal(number)
        wait()

    assert run(main) == 128 + number
    assert capsys.readouterr().out == "\ninterrupted; the same command continues\n"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("number", NUMBERS)
def test_a_lost_exception_is_raised_again(run, number):
    """Python drops an exception in a finalizer, as native code does in a callback."""
    lost = []

    class Finalized:
        def __del__(self):
            lost.append(True)
            signal.raise_signal(number)

    def main():
        Finalized()
        try:
            wait()
        except interruption.Interrupted:
            lost.append(True)
        wait()

    assert run(main) == 128 + number
    assert len(lost) == 2


def test_an_exception_on_its_way_is_not_raised_again(run):
    """Clean-up may take longer than the time until an exception is raised again."""
    cleaned = []

    def main():
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            with contextlib.closing(generate()) as generator:
                next(generator)
            cleaned.append(True)

    def generate():
        try:
            yield
        finally:
            time.sleep(2.5 * interruption._REPEAT_SECONDS)
            cleaned.append(True)

    assert run(main) == 143
    assert len(cleaned) == 2


def test_another_error_that_a_library_makes_of_it_is_an_interruption(run):
    def main():
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise RuntimeError("KeyboardInterrupt in a callback") from None

    assert run(main) == 130


def test_a_second_signal_ends_the_process_at_once(run, monkeypatch):
    codes = []
    monkeypatch.setattr(os, "_exit", codes.append)

    def main():
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            signal.raise_signal(signal.SIGINT)  # A wrapper passes the same request on.
            assert not codes
            monkeypatch.setattr(interruption, "_SAME_REQUEST_SECONDS", 0.0)
            signal.raise_signal(signal.SIGINT)

    assert run(main) == 143
    assert codes == [143]


def test_an_ignored_signal_is_still_ignored(run):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    handler = interruption.Interruption()
    handler.install()
    signal.raise_signal(signal.SIGINT)
    handler.end()
    assert handler.exit_code is None
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
