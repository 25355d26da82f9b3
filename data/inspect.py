"""Command: what is in a dataset. Usage: `python -m data.inspect PATH … [--picture=out.png]`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from data import errors
from ibc_agents.cli import startup_logs


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the report; returns the exit code, 1 where the data cannot be read."""
    parser = argparse.ArgumentParser(
        prog="python -m data.inspect",
        description="Tells what is in a dataset: shards, episodes and which of them are equal, "
        "returns, the range of every leaf, and values that cannot be used. Exit code 1 where the "
        "data cannot be read.",
    )
    parser.add_argument("path", nargs="+", help="folder of shards, .tfrecord shard, or quoted glob")
    parser.add_argument(
        "--picture", help="PNG for returns, lengths, actions, and frames where there are images"
    )
    asked = parser.parse_args(arguments)
    from data.inspection import picture, report, survey

    try:
        if asked.picture is not None:
            picture.check_path(asked.picture)
        found = survey.take(asked.path if len(asked.path) > 1 else asked.path[0])
        print(report.describe(found))
        if asked.picture is not None:
            picture.save(found, asked.picture)
    except errors.DataError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    startup_logs.silence_startup_logs()
    sys.exit(main())
