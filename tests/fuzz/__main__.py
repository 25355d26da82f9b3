"""Fuzzes the readers of the project.

    python -m tests.fuzz --target=manifests --number=500

The exit code is 1 if a mutant ended in a traceback, a wrong result, a crash, a hang or more than
6 GiB of memory.
"""

from __future__ import annotations

import argparse
import sys

from tests.fuzz import outcomes, runner
from tests.fuzz import target as target_lib


def main() -> None:
    """Reads mutants, prints every fault, and then the table."""
    targets = target_lib.all_targets()
    parser = argparse.ArgumentParser(description="Fuzzes the readers of the project.")
    parser.add_argument(
        "--target", action="append", choices=sorted(targets), help="default: every target"
    )
    parser.add_argument("--number", type=int, help="mutants of each target; default: its own")
    parser.add_argument("--first", type=int, default=0, help="number of the first mutant")
    parser.add_argument("--verbose", action="store_true", help="print every outcome")
    arguments = parser.parse_args()
    found = []
    for name in arguments.target or targets:
        target = targets[name]
        for outcome in runner.run(target, arguments.first, arguments.number or target.mutants):
            found.append(outcome)
            if outcome.is_fault or arguments.verbose:
                print(outcome, flush=True)
    print(outcomes.format_table(found))
    sys.exit(any(outcome.is_fault for outcome in found))


if __name__ == "__main__":
    main()
