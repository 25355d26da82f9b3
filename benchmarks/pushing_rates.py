"""How fast block pushing is on this machine, and how often its demonstrators succeed.

Usage: python benchmarks/pushing_rates.py [PART] [--episodes=300] [--seconds=5] [--collect=2000]

The parts, by default all: *demonstrators* run in episodes 0 … n - 1 of seed 1, which no training
run collects, and their control steps are counted a CPU-second of one process; *pictures* likewise.
*collect_states* and *collect_pixels* run the command in all its processes, into a temporary folder;
that is wall time, and wants a quiet machine. Each prints what it found and replaces its part of
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
import measuring  # sets the search path; must come before the project's own imports
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
# As the gin files that collect with noise have it, metres.
NOISY = {"one target": 0.006, "two blocks, two targets": 0.006}
SIZES = ((90, 120), (180, 240), (240, 320))  # of pictures; height, width


def demonstrate(task: str, noise: float, episodes: int) -> dict[str, float]:
    """Returns how often a demonstrator succeeds and what its steps cost, its own thinking too."""
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
    """Runs an episode; returns its steps."""
    time_step, state, steps = environment.reset(), demonstrator.get_initial_state(), 0
    while not time_step.is_last():
        action, state, _ = demonstrator.action(time_step, state)
        time_step = environment.step(action)
        steps += 1
    return steps


def picture_rate(size: tuple[int, int], detailed: bool, seconds: float) -> float:
    """Returns pictures a CPU-second, each of another moment of an episode."""
    environment = block_pushing.BlockPushingEnvironment(
        image_size=size, appearance=block_pushing.Appearance(detailed)
    )
    plain = block_pushing.BlockPushingEnvironment()
    action = np.zeros(2, np.float32)

    def cost(of: base.Environment) -> float:
        of.seed(_SEED)
        of.reset()

        def step() -> None:
            if of.current_time_step().is_last():
                of.reset()
            of.step(action)

        return 1.0 / measuring.rate(step, 1, seconds)["per_cpu_second"]

    return 1.0 / (cost(environment) - cost(plain))


def collect(environment: str, episodes: int) -> dict[str, float]:
    """Returns the wall time of the command, its start included, and the size of what it wrote."""
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
    """Each of them, and with noise those that are used so."""
    print("| demonstrator | noise | success | mean steps | steps a CPU-second |")
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


def measure_pictures(arguments: argparse.Namespace) -> dict[str, Any]:
    """Each size in both appearances."""
    print("\n| picture | look | pictures a CPU-second |\n|---|---|---|")
    results = {}
    for size in SIZES:
        for detailed in (False, True):
            look = "detailed" if detailed else "plain"
            per_second = picture_rate(size, detailed, arguments.seconds)
            results["{}x{}, {}".format(*size, look)] = per_second
            print("| {}×{} | {} | {:.0f} |".format(*size, look, per_second), flush=True)
    return results


def measure_collection(environment: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """One environment's, by its name among the tasks."""
    found = collect(environment, arguments.collect)
    print(
        f"\n{arguments.collect:,} demonstrations of {environment}: "
        f"{found['wall_seconds'] / 60:.1f} min, {found['megabytes']:.0f} MB",
        flush=True,
    )
    return found


PARTS = {
    "demonstrators": measure_demonstrators,
    "pictures": measure_pictures,
    "collect_states": functools.partial(measure_collection, "pushing_states"),
    "collect_pixels": functools.partial(measure_collection, "pushing_pixels"),
}


def main() -> None:
    """Measures what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", nargs="?", choices=PARTS, help="by default all")
    parser.add_argument("--episodes", type=int, default=300, help="of each demonstrator")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each picture's rate")
    parser.add_argument("--collect", type=int, default=2000, help="demonstrations of each kind")
    arguments = parser.parse_args()
    for part in [arguments.part] if arguments.part else PARTS:
        found = {**PARTS[part](arguments), **measuring.machine()}
        results = json.loads(_OUT.read_text()) if _OUT.exists() else {}
        _OUT.write_text(json.dumps({**results, part: found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
