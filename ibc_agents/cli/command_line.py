"""Runs a command: startup, flags, exit codes."""

from __future__ import annotations

import faulthandler
import os
import sys
from collections.abc import Callable

from absl import app, flags, logging

from ibc_agents.cli import error_messages, installation, startup_logs

_HELP = frozenset({"--help", "-help", "--helpshort", "--helpfull", "-?"})


def run(main: Callable[[], None], after_interrupt: str = "nothing was written") -> None:
    """Runs a command with the flags of `sys.argv`.

    The process exits with 1 and a one-line message after an error that the user can fix, and with
    130 after Ctrl-C. Any other error keeps its traceback.

    Args:
        main: The command. It imports TensorFlow itself, after the startup logs are silenced.
        after_interrupt: What a message after Ctrl-C says about the state of the output.
    """
    startup_logs.silence_startup_logs()
    # By default TensorFlow uses oneDNN only on processors with AVX-512. Without AVX-512, oneDNN
    # makes convolutions 1.5 to 1.9 times faster and dense layers no slower.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    logging.set_verbosity(logging.ERROR)
    faulthandler.enable(sys.__stderr__)
    parse_flags(sys.argv)
    try:
        installation.check_installation()
        main()
    except KeyboardInterrupt:
        print(f"\ninterrupted; {after_interrupt}", flush=True)
        sys.exit(130)
    except Exception as error:
        message = error_messages.format_error(error)
        if message is None:
            raise
        sys.exit(f"error: {message}")


def parse_flags(arguments: list[str]) -> None:
    """Parses flags. Help and --only_check_args exit with 0, invalid arguments with a failure.

    Args:
        arguments: Name of the program and its arguments.
    """
    app.define_help_flags()
    try:
        positional = app.parse_flags_with_usage(arguments)[1:]
    except SystemExit:
        if _HELP.isdisjoint(arguments):
            raise
        sys.exit(0)
    if positional:
        sys.exit(f"error: unexpected argument {positional[0]!r}; see --help")
    if flags.FLAGS.only_check_args:  # absl defines it; tests of deploy/ check flags with it.
        sys.exit(0)
