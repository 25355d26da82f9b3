"""Summarizes a dataset.

python -m data.inspect PATH … [--plot=out.png]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from data import errors
from ibc_agents.cli import startup_logs


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the report.

    Args:
        arguments: Command-line arguments; by default those of the process.

    Returns:
        The exit code: 0, or 1 if the dataset cannot be read.
    """
    parser = argparse.ArgumentParser(
        prog="python -m data.inspect",
        description="Prints the shards, episodes, duplicates and returns of a dataset, the range "
        "of every leaf, and unusable values. The exit code is 1 if the dataset cannot be read.",
    )
    parser.add_argument("path", nargs="+", help="folder of shards, .tfrecord shard, or quoted glob")
    parser.add_argument("--plot", help="PNG file for plots of returns, lengths, actions and images")
    parsed = parser.parse_args(arguments)
    from data.inspection import dataset_summary, plots, report

    try:
        if parsed.plot is not None:
            plots.check_path(parsed.plot)
        paths = parsed.path if len(parsed.path) > 1 else parsed.path[0]
        summary = dataset_summary.summarize_dataset(paths)
        print(report.format_report(summary))
        if parsed.plot is not None:
            plots.save_plots(summary, parsed.plot)
    except errors.DataError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    startup_logs.silence_startup_logs()
    sys.exit(main())
