"""Command: what is in a dataset. Usage: `python -m data.inspect PATH [PATH …]`."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the report; returns the exit code, 1 where the data cannot be read."""
    parser = argparse.ArgumentParser(
        prog="python -m data.inspect",
        description="Tells what is in a dataset: shards, episodes, the range of every leaf, and "
        "values that cannot be used. Exit code 1 where the data cannot be read.",
    )
    parser.add_argument("path", nargs="+", help="folder of shards, .tfrecord shard, or quoted glob")
    paths = parser.parse_args(arguments).path
    # Before TensorFlow starts, and around the notice that gym prints when TF-Agents imports it.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with contextlib.redirect_stderr(io.StringIO()):
        from data import errors, report
    try:
        print(report.describe(paths if len(paths) > 1 else paths[0]))
    except errors.DataError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
