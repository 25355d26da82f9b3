"""Measures the speed of the D4RL tasks on this machine.

Usage: python benchmarks/d4rl_rates.py [--seconds=5] [--out=benchmarks/results/d4rl_rates.json]

The first table gives steps and images per CPU-second of one process. Every step has a new random
action. The reset after an episode counts as a step. Images are the 240 × 320 frames of videos,
rendered in software on machines without a GPU.

Other processes on the same core and its caches slow a step by up to 50 %, so rates are measured in
slices of 0.5 s. The best slice estimates the rate of an idle machine.

The second table gives steps per second of wall time when as many processes as there are cores step
environments at the same time. It bounds the speed of evaluators that share episodes.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import time
from collections.abc import Callable
from typing import Any

import measuring  # sets the search path; must precede imports of the project
import numpy as np
import outputs

from environments import base, d4rl
from ibc_agents.rollouts import workers

_SEED = 0
_SLICE = 0.5  # seconds
_STARTUP_SECONDS = 30.0  # time for all processes to start

# The tasks, and the targets of the project in steps per CPU-second.
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
    """Returns steps and images per CPU-second: the mean, and the best slice."""
    environment = task()
    found = {
        "steps": in_slices(stepping(environment, _SEED), seconds),
        "images": in_slices(environment.render, seconds),
    }
    environment.close()
    return found


def stepping(environment: base.Environment, seed: int) -> Callable[[], Any]:
    """Resets the environment; returns a function that takes a random step."""
    environment.seed(seed)
    environment.reset()
    spec = environment.action_spec()
    drawn = np.random.default_rng(seed).uniform(-1.0, 1.0, [1000, *spec.shape])
    actions = itertools.cycle(drawn.astype(spec.dtype))
    return lambda: environment.step(next(actions))


def in_slices(work: Callable[[], Any], seconds: float) -> dict[str, float]:
    """Returns the calls per CPU-second: the mean over slices, and the best slice."""
    slices = [
        measuring.rate(work, 1, _SLICE)["per_cpu_second"]
        for _ in range(max(1, round(seconds / _SLICE)))
    ]
    return {"mean": float(np.mean(slices)), "best": max(slices)}


class Stepper:
    """A task of a worker process: steps an environment from a given time on.

    Args:
        task: Class of the environment.
        begin: Start of the measurement, in seconds since the epoch.
        seconds: Duration of the measurement.
    """

    def __init__(self, task: type[base.Environment], begin: float, seconds: float) -> None:
        self._task = task
        self._begin = begin
        self._seconds = seconds

    def __call__(self, seed: int, report: workers.Report) -> float:
        """Returns steps per second."""
        del report
        work = stepping(self._task(), seed)
        time.sleep(max(0.0, self._begin - time.time()))
        return measuring.rate(work, 1, self._seconds)["per_second"]

    def close(self) -> None:
        """Does nothing; the process releases the environment at its exit."""


def together(task: type[base.Environment], num_processes: int, seconds: float) -> float:
    """Returns the total steps per second of several processes."""
    stepper = Stepper(task, time.time() + _STARTUP_SECONDS, seconds)
    return sum(workers.run(stepper, range(num_processes), num_processes, lambda: None))


def main() -> None:
    """Measures, prints two tables and writes the results to --out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="duration of each measurement")
    parser.add_argument("--out", type=outputs.output_file, help="JSON file of the results")
    arguments = parser.parse_args()
    counts = sorted({1, os.cpu_count() or 1})
    results: dict[str, dict[str, Any]] = {}
    print(
        "| task | steps per CPU-second: best, mean | target | images: best, mean |\n"
        "|---|---|---|---|"
    )
    for task, target in TASKS.items():
        found = rates(task, arguments.seconds)
        results[task.dataset] = found
        print(
            f"| {task.dataset} | {found['steps']['best']:,.0f}, {found['steps']['mean']:,.0f} "
            f"| {target:,} | {found['images']['best']:.0f}, {found['images']['mean']:.0f} |",
            flush=True,
        )
    print("| task | " + " | ".join(f"{n} processes" for n in counts) + " |")
    print("|---|" + "---|" * len(counts))
    for task in (d4rl.DoorEnvironment, d4rl.KitchenCompleteEnvironment):
        found = {n: together(task, n, arguments.seconds) for n in counts}
        results[task.dataset]["steps_per_second_by_processes"] = found
        print(f"| {task.dataset} | " + " | ".join(f"{rate:,.0f}" for rate in found.values()) + " |")
    if arguments.out:
        content = {"tasks": results, "seed": _SEED, **measuring.machine()}
        arguments.out.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
