"""Measures how the cost of autoregressive optimization grows with the action dimension.

Usage: python benchmarks/autoregressive_cost.py [--seconds=5] [--out=cost.json] [DIMENSION ...]

Trains and acts with gin_configs/methods/ibc_autoregressive.gin in 1 to 30 dimensions (the largest
action of the paper's tasks). Training stops before it converges. A linear fit of the costs gives
the cost of one dimension (slope) and the fixed cost (intercept).
"""

from __future__ import annotations

import argparse
import json

import agent_speed
import measuring
import numpy as np
import outputs

_GIN_FILES = "gin_configs/tasks/particle.gin+gin_configs/methods/ibc_autoregressive.gin"
_DIMENSIONS = (1, 2, 4, 8, 16, 30)


def main() -> None:
    """Measures, prints a table and writes the results to --out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dimensions", nargs="*", type=int, default=_DIMENSIONS, metavar="DIMENSION")
    parser.add_argument("--seconds", type=float, default=5.0, help="duration of each measurement")
    parser.add_argument("--out", type=outputs.output_file, help="JSON file of the results")
    arguments = parser.parse_args()
    print("| dimensions | one train step | one action, median |")
    print("|---|---|---|")
    results = {}
    for size in arguments.dimensions:
        row = agent_speed.measure(
            _GIN_FILES, arguments.seconds, (f"ParticleEnvironment.dimension = {size}",)
        )
        results[size] = row
        print(
            f"| {size} | {1e3 / row['train_steps_per_second']:.0f} ms "
            f"| {row['action_median_ms']:.1f} ms |"
        )
    costs = [(1e3 / r["train_steps_per_second"], r["action_median_ms"]) for r in results.values()]
    slopes, starts = np.polyfit(list(results), np.array(costs), 1)
    shares = np.corrcoef(list(results), np.array(costs).T)[0, 1:] ** 2
    for name, slope, start, share in zip(
        ("train step", "action"), slopes, starts, shares, strict=True
    ):
        print(f"{name}: {start:.1f} ms + {slope:.1f} ms per dimension (R² = {share:.3f})")
    if arguments.out:
        content = {"dimensions": results, **measuring.machine()}
        arguments.out.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
