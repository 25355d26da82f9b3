"""How fast the D4RL tasks are on this machine.

Usage: python benchmarks/d4rl_rates.py [--seconds=5] [--out=benchmarks/results/d4rl_rates.json]

Steps and pictures are counted a CPU-second of one process. Actions are random, new at every step;
where an episode ends the next begins, which counts as a step. Pictures are those of videos, 240 x
320, and drawn in software where there is no graphics card.

Neighbours on the same core and its caches slow a step by up to a half, so rates are measured in
slices of half a second: the best is nearest to what a quiet machine does, the mean is what it was.
"""

from __future__ import annotations

import argparse
import itertools
import json
import pathlib
from collections.abc import Callable
from typing import Any

import measuring  # sets the search path; must come before the project's own imports
import numpy as np

from environments import base, d4rl

_SEED = 0
_SLICE = 0.5  # seconds

# And the steps a CPU-second that the project aims at.
TASKS: dict[type[base.Environment], int] = {
    d4rl.PenEnvironment: 1500,
    d4rl.HammerEnvironment: 1500,
    d4rl.DoorEnvironment: 1500,
    d4rl.RelocateEnvironment: 1500,
    d4rl.KitchenCompleteEnvironment: 200,
    d4rl.KitchenPartialEnvironment: 200,
    d4rl.KitchenMixedEnvironment: 200,
}


def rates(task: type[base.Environment], seconds: float) -> dict[str, dict[str, float]]:
    """Returns steps and pictures a CPU-second: the mean, and the best slice's."""
    environment = task()
    environment.seed(_SEED)
    environment.reset()
    spec = environment.action_spec()
    drawn = np.random.default_rng(_SEED).uniform(-1.0, 1.0, [1000, *spec.shape])
    actions = itertools.cycle(drawn.astype(spec.dtype))
    found = {
        "steps": in_slices(lambda: environment.step(next(actions)), seconds),
        "pictures": in_slices(environment.render, seconds),
    }
    environment.close()
    return found


def in_slices(work: Callable[[], Any], seconds: float) -> dict[str, float]:
    """Returns how often a CPU-second something can be done."""
    slices = [
        measuring.rate(work, 1, _SLICE)["per_cpu_second"]
        for _ in range(max(1, round(seconds / _SLICE)))
    ]
    return {"mean": float(np.mean(slices)), "best": max(slices)}


def main() -> None:
    """Measures, prints a table and writes the numbers where --out says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="of each rate")
    parser.add_argument("--out", type=pathlib.Path, help="JSON file for the numbers")
    arguments = parser.parse_args()
    results = {}
    print(
        "| task | steps a CPU-second: best, mean | aim | pictures: best, mean |\n|---|---|---|---|"
    )
    for task, aim in TASKS.items():
        found = rates(task, arguments.seconds)
        results[task.dataset] = found
        print(
            f"| {task.dataset} | {found['steps']['best']:,.0f}, {found['steps']['mean']:,.0f} "
            f"| {aim:,} | {found['pictures']['best']:.0f}, {found['pictures']['mean']:.0f} |",
            flush=True,
        )
    if arguments.out:
        content = {"tasks": results, "seed": _SEED, **measuring.machine()}
        arguments.out.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
