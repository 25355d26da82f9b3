"""Measures the speed of block pushing and the success of its demonstrators.

Usage: python benchmarks/pushing_rates.py [PART] [--episodes=300] [--seconds=5] [--collect=2000]

PART is one of the following, by default all. *demonstrators*: success and control steps per
CPU-second of one process, in episodes 0 … n - 1 of seed 1, which no training run collects.
*images*: rendered images per CPU-second of one process. *collect_states* and *collect_pixels*: wall
time of the collect command with all its processes, into a temporary folder, on an otherwise idle
machine. Each part prints its results and replaces its entry of
benchmarks/results/pushing_rates.json.
"""

from __future__ import annotations

import argparse
import functools
import json
import pathlib
import subprocess
import sys
import tempfile
import time
from typing import Any

import checkout
import measuring  # sets the search path; must precede imports of the project
import numpy as np
from tf_agents.policies import py_policy

from environments import base, block_pushing
from ibc_agents.rollouts import confidence_intervals, rollout_seeds

_OUT = checkout.ROOT / "benchmarks" / "results" / "pushing_rates.json"
_SEED = 1

TASKS: dict[str, tuple[Any, Any]] = {
    "reach": (block_pushing.Reach, block_pushing.ReachDemonstrator),
    "one target": (block_pushing.SingleTarget, block_pushing.SingleTargetDemonstrator),
    "two targets in turn": (block_pushing.Discontinuous, block_pushing.DiscontinuousDemonstrator),
    "two blocks, two targets": (block_pushing.Multimodal, block_pushing.MultimodalDemonstrator),
    "insert": (block_pushing.Insert, block_pushing.InsertDemonstrator),
}
# Action noise of the gin files that collect with noise, in meters.
NOISY = {"one target": 0.006, "two blocks, two targets": 0.006}
SIZES = ((90, 120), (180, 240), (240, 320))  # height, width of images in pixels


def demonstrate(task: str, noise: float, episodes: int) -> dict[str, float]:
    """Returns the success of a demonstrator and the rate of its steps, including its planning."""
    make_task, make_demonstrator = TASKS[task]
    environment = block_pushing.BlockPushingEnvironment(make_task())
    demonstrator = make_demonstrator(environment, action_noise=noise)
    steps, successes, start = 0, 0, time.process_time()
    for episode in range(episodes):
        environment.seed(rollout_seeds.for_evaluation(_SEED, episode).environment)
        steps += run_episode(environment, demonstrator)
        successes += environment.success
    seconds = time.process_time() - start
    environment.close()
    low, high = confidence_intervals.wilson_interval(successes, episodes)
    return {
        "successes": successes,
        "episodes": episodes,
        "interval": [low, high],
        "mean_steps": steps / episodes,
        "steps_per_cpu_second": steps / seconds,
    }


def run_episode(environment: base.Environment, demonstrator: py_policy.PyPolicy) -> int:
    """Runs an episode; returns its number of steps."""
    time_step, state, steps = environment.reset(), demonstrator.get_initial_state(), 0
    while not time_step.is_last():
        action, state, _ = demonstrator.action(time_step, state)
        time_step = environment.step(action)
        steps += 1
    return steps


def image_rate(size: tuple[int, int], detailed: bool, seconds: float) -> float:
    """Returns images per CPU-second, each of a different frame of an episode."""
    environment = block_pushing.BlockPushingEnvironment(
        image_size=size, appearance=block_pushing.Appearance(detailed)
    )
    plain = block_pushing.BlockPushingEnvironment()
    action = np.zeros(2, np.float32)

    def cost(measured: base.Environment) -> float:
        measured.seed(_SEED)
        measured.reset()

        def step() -> None:
            if measured.current_time_step().is_last():
                measured.reset()
            measured.step(action)

        return 1.0 / measuring.rate(step, 1, seconds)["per_cpu_second"]

    return 1.0 / (cost(environment) - cost(plain))


def collect(environment: str, episodes: int) -> dict[str, float]:
    """Returns the wall time of the command, including its startup, and the size of the dataset."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "dataset"
        start = time.perf_counter()
        subprocess.run(
            [
                *(sys.executable, "-m", "ibc_agents.collect", f"--environment={environment}"),
                *(f"--episodes={episodes}", f"--out={out}"),
            ],
            cwd=checkout.ROOT,
            check=True,
        )
        seconds = time.perf_counter() - start
        megabytes = sum(path.stat().st_size for path in out.iterdir()) / 1e6
    return {"episodes": episodes, "wall_seconds": seconds, "megabytes": megabytes}


def measure_demonstrators(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measures each demonstrator, and with noise those that gin files use with noise."""
    print("| demonstrator | noise | success | mean steps | steps per CPU-second |")
    print("|---|---|---|---|---|")
    results = {}
    for task, noise in [(task, 0.0) for task in TASKS] + list(NOISY.items()):
        found = demonstrate(task, noise, arguments.episodes)
        results[f"{task}, noise {noise:g}"] = found
        print(
            f"| {task} | {noise:g} m | {found['successes']}/{found['episodes']} "
            f"| {found['mean_steps']:.0f} | {found['steps_per_cpu_second']:.0f} |",
            flush=True,
        )
    return {**results, "seed": _SEED}


def measure_images(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measures each image size in both appearances."""
    print("\n| image | appearance | images per CPU-second |\n|---|---|---|")
    results = {}
    for size in SIZES:
        for detailed in (False, True):
            appearance = "detailed" if detailed else "plain"
            per_second = image_rate(size, detailed, arguments.seconds)
            results["{}x{}, {}".format(*size, appearance)] = per_second
            print("| {}×{} | {} | {:.0f} |".format(*size, appearance, per_second), flush=True)
    return results


def measure_collection(environment: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measures the collection of one task."""
    found = collect(environment, arguments.collect)
    print(
        f"\n{arguments.collect:,} demonstrations of {environment}: "
        f"{found['wall_seconds'] / 60:.1f} min, {found['megabytes']:.0f} MB",
        flush=True,
    )
    return found


PARTS = {
    "demonstrators": measure_demonstrators,
    "images": measure_images,
    "collect_states": functools.partial(measure_collection, "pushing_states"),
    "collect_pixels": functools.partial(measure_collection, "pushing_pixels"),
}


def main() -> None:
    """Measures the selected parts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", nargs="?", choices=PARTS, help="default: all")
    parser.add_argument("--episodes", type=int, default=300, help="episodes of each demonstrator")
    parser.add_argument("--seconds", type=float, default=5.0, help="duration per image size")
    parser.add_argument("--collect", type=int, default=2000, help="demonstrations per collection")
    arguments = parser.parse_args()
    for part in [arguments.part] if arguments.part else PARTS:
        found = {**PARTS[part](arguments), **measuring.machine()}
        results = json.loads(_OUT.read_text()) if _OUT.exists() else {}
        _OUT.write_text(json.dumps({**results, part: found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
