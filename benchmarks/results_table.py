"""Prints the results of finished runs as a Markdown table.

Usage: python benchmarks/results_table.py ROOT_DIR ...
"""

from __future__ import annotations

import argparse
import json
import pathlib


def row(root_dir: pathlib.Path) -> str:
    """Returns one line of the table, from the run's results.json."""
    results = json.loads((root_dir / "results.json").read_text())
    success = results["success"]
    low, high = success["interval"]
    training = results["wall_time_s"]["data_and_training"]
    return (
        f"| {root_dir.name} | {results['dataset']['name']} | {results['seed']} "
        f"| {success['successes']}/{success['episodes']} | {100 * low:.0f}–{100 * high:.0f} % "
        f"| {results['train_steps']:,} | {training / 60:.1f} min |"
    )


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root_dirs", nargs="+", type=pathlib.Path, metavar="ROOT_DIR")
    arguments = parser.parse_args()
    print("| run | demonstrations | seed | success | 95 % interval | steps | data and training |")
    print("|---|---|---|---|---|---|---|")
    for root_dir in arguments.root_dirs:
        print(row(root_dir))


if __name__ == "__main__":
    main()
