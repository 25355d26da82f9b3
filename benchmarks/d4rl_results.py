"""Repeats the table of docs/d4rl.md (paper, Table 2), or cells of it.

Usage: python benchmarks/d4rl_results.py [TASK [METHOD]] [--seed=0] [--only_print]

Trains and evaluates each run into runs/d4rl_results (a finished run is not repeated, an interrupted
one goes on), evaluates policies of the door once more with the time that people took, writes what
came of it into benchmarks/results/d4rl, and prints all that is there. The demonstrations are those
in datasets/, named as D4RL names them; tasks without any are left out.
"""

from __future__ import annotations

import argparse
import json
import pathlib
from typing import Any

import runs

_RESULTS = runs.ROOT / "benchmarks" / "results" / "d4rl"

# By the middle of the gin files' names.
TASKS = {
    "pen": "pen-human-v0",
    "hammer": "hammer-human-v0",
    "door": "door-human-v0",
    "relocate": "relocate-human-v0",
    "kitchen_complete": "kitchen-complete-v0",
    "kitchen_partial": "kitchen-partial-v0",
    "kitchen_mixed": "kitchen-mixed-v0",
}
# In which policies have the time that people took, where that is known to be more.
LONGER = {"door": "Task.evaluation_environment = @LongDoorEnvironment"}
METHODS = {
    "langevin": ("implicit, Langevin", ""),
    "mse": ("MSE", "_mse"),
    "mdn": ("MDN", "_mdn"),
    "nearest_neighbor": ("nearest neighbour", "_nearest_neighbor"),
}
# Mean returns, three seeds of 100 episodes each.
PAPER = {
    "pen": {"langevin": "2586 ± 65", "mse": "2141"},
    "hammer": {"langevin": "-133 ± 26", "mse": "-38"},
    "door": {"langevin": "361 ± 67", "mse": "79"},
    "relocate": {"langevin": "-0.1 ± 2.4", "mse": "-3.5"},
    "kitchen_complete": {"langevin": "3.37 ± 0.19", "mse": "1.76"},
    "kitchen_partial": {"langevin": "1.45 ± 0.35", "mse": "1.69"},
    "kitchen_mixed": {"langevin": "1.51 ± 0.39", "mse": "2.15"},
}


def train(task: str, method: str, seed: int) -> None:
    """Runs the train command and keeps the outcome."""
    name = f"{task}_{method}_seed{seed}"
    root_dir = runs.ROOT / "runs" / "d4rl_results" / name
    runs.train(f"d4rl_{task}{METHODS[method][1]}.gin", [], root_dir, seed)
    if task in LONGER:
        longer = root_dir / "results_longer.json"
        runs.evaluate(root_dir, [LONGER[task]], longer)
        runs.keep(longer, _RESULTS / f"{name}_longer.json")
    runs.keep(root_dir / "results.json", _RESULTS / f"{name}.json")


def print_table() -> None:
    """Prints every run as Markdown; cells without one say so."""
    print(
        "| task | method | demonstrations | seed | mean return (95 %) | paper | score, % (95 %) "
        "| successes | 95 % interval | episodes | return in people's time | steps | wall time |"
    )
    print("|" + "---|" * 13)
    for task, dataset in TASKS.items():
        for method, (words, _) in METHODS.items():
            paper = PAPER[task].get(method, "–")
            found = sorted(_RESULTS.glob(f"{task}_{method}_seed?.json"))
            rows = [_row(path, paper) for path in found]
            for row in rows or [f"not run | | | {paper} | | | | | | |"]:
                print(f"| {dataset} | {words} | {row} |")


def _row(path: pathlib.Path, paper: str) -> str:
    results, longer = json.loads(path.read_text()), "–"
    in_longer = path.with_name(f"{path.stem}_longer.json")
    if in_longer.exists():
        longer = _mean(json.loads(in_longer.read_text())["return"])
    return (
        f"{results['dataset']['train_episodes']} | {path.stem[-1]} | {_mean(results['return'])} "
        f"| {paper} | {_mean(results['normalized_score'], 100)} | {runs.success(results)} "
        f"| {results['success']['episodes']} | {longer} | {runs.effort(results)}"
    )


def _mean(described: dict[str, Any], factor: float = 1) -> str:
    values = [factor * value for value in (described["mean"], *described["interval"])]
    return "{} ({} to {})".format(*(f"{v:,.0f}" if abs(v) >= 100 else f"{v:.2f}" for v in values))


def main() -> None:
    """Trains what is asked for and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", nargs="?", choices=TASKS, help="default: whose data is there")
    parser.add_argument("method", nargs="?", choices=METHODS, help="by default all")
    parser.add_argument("--seed", type=int, default=0, choices=range(10), help="of training")
    parser.add_argument("--only_print", action="store_true", help="train nothing")
    arguments = parser.parse_args()
    at_hand = [task for task in TASKS if (runs.ROOT / "datasets" / TASKS[task]).is_dir()]
    for task in [] if arguments.only_print else [arguments.task] if arguments.task else at_hand:
        for method in [arguments.method] if arguments.method else METHODS:
            train(task, method, arguments.seed)
    print_table()


if __name__ == "__main__":
    main()
