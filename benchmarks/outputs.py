"""Output files of benchmarks, which are checked before a measurement of minutes or hours."""

from __future__ import annotations

import argparse
import pathlib

import checkout  # noqa: F401  # makes the project importable; must precede its imports

from ibc_agents.core import errors, files


def output_file(path: str) -> pathlib.Path:
    """Returns the path of a file that can be written; the type of an argument of a command.

    Raises:
        argparse.ArgumentTypeError: If it cannot be written.
    """
    try:
        files.prepare_output(path)
    except errors.RunError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return files.local_path(path)
