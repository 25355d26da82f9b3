"""How fast the D4RL tasks are on this machine.

Usage: python benchmarks/d4rl_rates.py [--seconds=5] [--out=benchmarks/results/d4rl_rates.json]

Steps and pictures are counted a CPU-second of one process. Actions are random, new at every step;
where an episode ends the next begins, which counts as a step. Pictures are those of videos, 240 x
320, and drawn in software where there is no graphics card.

Neighbours on the same core and its caches slow a step by up to a half, so rates are measured in
slices of half a second: the best is nearest to what a quiet machine does, the mean is what it was.

Then as many processes as there are cores step environments at the same time, which is how far
evaluators that share episodes can get; those steps are counted a second of the clock.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import pathlib
import time
from collections.abc import Callable
from typing import Any

import measuring  # sets the search path; must come before the project's own imports
import numpy as np

from environments import base, d4rl
from ibc_agents.rollouts import workers

_SEED = 0
_SLICE = 0.5  # seconds
_TO_START = 30.0  # seconds that processes are given until all of them begin

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
    found = {
        "steps": in_slices(stepping(environment, _SEED), seconds),
        "pictures": in_slices(environment.render, seconds),
    }
    environment.close()
    return found


def stepping(environment: base.Environment, seed: int) -> Callable[[], Any]:
    """Begins an episode; returns what takes a random step."""
    environment.seed(seed)
    environment.reset()
    spec = environment.action_spec()
    drawn = np.random.default_rng(seed).uniform(-1.0, 1.0, [1000, *spec.shape])
    actions = itertools.cycle(drawn.astype(spec.dtype))
    return lambda: environment.step(next(actions))


def in_slices(work: Callable[[], Any], seconds: float) -> dict[str, float]:
    """Returns how often a CPU-second something can be done."""
    slices = [
        measuring.rate(work, 1, _SLICE)["per_cpu_second"]
        for _ in range(max(1, round(seconds / _SLICE)))
    ]
    return {"mean": float(np.mean(slices)), "best": max(slices)}


class Stepper:
    """What a process does: it steps from a given time on, and returns how fast it was.

    Args:
        task: whose environment is stepped.
        begin: as `time.time` tells it.
        seconds: how long.
    """

    def __init__(self, task: type[base.Environment], begin: float, seconds: float) -> None:
        self._task = task
        self._begin = begin
        self._seconds = seconds

    def __call__(self, seed: int, report: workers.Report) -> float:
        """Returns steps a second."""
        del report
        work = stepping(self._task(), seed)
        time.sleep(max(0.0, self._begin - time.time()))
        return measuring.rate(work, 1, self._seconds)["per_second"]

    def close(self) -> None:
        """Has nothing open that its process would not close."""


def together(task: type[base.Environment], num_processes: int, seconds: float) -> float:
    """Returns steps a second of so many processes in all."""
    stepper = Stepper(task, time.time() + _TO_START, seconds)
    return sum(workers.run(stepper, range(num_processes), num_processes, lambda: None))


def main() -> None:
    """Measures, prints a table and writes the numbers where --out says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="of each rate")
    parser.add_argument("--out", type=pathlib.Path, help="JSON file for the numbers")
    arguments = parser.parse_args()
    counts = sorted({1, os.cpu_count() or 1})
    results: dict[str, dict[str, Any]] = {}
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
    print("| task | " + " | ".join(f"{n} at once" for n in counts) + " |")
    print("|---|" + "---|" * len(counts))
    for task in (d4rl.DoorEnvironment, d4rl.KitchenCompleteEnvironment):
        found = {n: together(task, n, arguments.seconds) for n in counts}
        results[task.dataset]["steps_a_second_by_processes"] = found
        print(f"| {task.dataset} | " + " | ".join(f"{rate:,.0f}" for rate in found.values()) + " |")
    if arguments.out:
        content = {"tasks": results, "seed": _SEED, **measuring.machine()}
        arguments.out.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
