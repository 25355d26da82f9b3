"""Runs a command: startup, flags, exit codes."""

from __future__ import annotations

import faulthandler
import os
import re
import sys
from collections.abc import Callable
from typing import NoReturn

from absl import app, flags, logging

from ibc_agents.cli import error_messages, installation, interruption, startup_logs

_MISSING_FLAG = re.compile(r"[Ff]lag (--\w+) must have a value other than None")
_HELP = frozenset({"--help", "-help", "--helpshort", "--helpfull", "-?"})
_CTRL_C = 130


def run(main: Callable[[], None], after_interrupt: str = "nothing was written") -> None:
    """Runs a command with the flags of `sys.argv`.

    The process exits with 1 and a one-line message after an error that the user can fix, with 130
    after Ctrl-C and with 143 after SIGTERM. Any other error keeps its traceback.

    Args:
        main: The command. It imports TensorFlow itself, after the startup logs are silenced.
        after_interrupt: What a message after a signal says about the state of the output.
    """
    startup_logs.silence_startup_logs()
    # By default TensorFlow uses oneDNN only on processors with AVX-512. Without AVX-512, oneDNN
    # makes convolutions 1.5 to 1.9 times faster and dense layers no slower.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    logging.set_verbosity(logging.ERROR)
    faulthandler.enable(sys.__stderr__)
    parse_flags(sys.argv)
    signals = interruption.Interruption()
    signals.install()
    try:
        installation.check_installation()
        main()
    except KeyboardInterrupt:
        _exit_after_interrupt(signals.exit_code or _CTRL_C, after_interrupt)
    except Exception as error:
        message = error_messages.format_error(error)
        if signals.exit_code is not None:  # A library made another error of the interruption.
            if message is not None:
                print(f"error: {message}", file=sys.stderr)
            _exit_after_interrupt(signals.exit_code, after_interrupt)
        if message is None:
            raise
        sys.exit(f"error: {message}")
    finally:
        signals.end()


def _exit_after_interrupt(exit_code: int, state: str) -> NoReturn:
    print(f"\ninterrupted; {state}", flush=True)
    sys.exit(exit_code)


def parse_flags(arguments: list[str]) -> None:
    """Parses flags. Help and --only_check_args exit with 0, invalid arguments with a failure.

    Args:
        arguments: Name of the program and its arguments.
    """
    app.define_help_flags()
    try:
        positional = flags.FLAGS(arguments)[1:]
    except flags.Error as error:
        sys.exit(f"error: {_flag_error(error)}; see --help")
    except SystemExit:
        if _HELP.isdisjoint(arguments):
            raise
        sys.exit(0)
    if positional:
        sys.exit(f"error: unexpected argument {positional[0]!r}; see --help")
    if flags.FLAGS.only_check_args:  # absl defines it; tests of deploy/ check flags with it.
        sys.exit(0)


def _flag_error(error: flags.Error) -> str:
    """Returns what is wrong with a flag, without absl's own words."""
    message = error_messages.join_lines(error).rstrip(" ?.")
    missing = _MISSING_FLAG.search(message)
    return f"{missing[1]} is missing" if missing else message.removeprefix("flag ")
