"""Repeats the table of docs/d4rl.md (paper, Table 2), or cells of it.

Usage: python benchmarks/d4rl_results.py [TASK [METHOD]] [--seed=0] [--only_print]

Trains and evaluates each run into runs/d4rl_results (a finished run is not repeated, an interrupted
one goes on), evaluates policies of the door once more with the time that people took, writes what
came of it into benchmarks/results/d4rl, and prints all that is there: over the seeds of training,
and each run. The demonstrations are those in datasets/, named as D4RL names them; tasks without any
are left out.
"""

from __future__ import annotations

import json
import pathlib
import statistics
from collections.abc import Iterator, Sequence
from typing import Any

import runs

_RESULTS = runs.ROOT / "benchmarks" / "results" / "d4rl"

# By the names of the gin files.
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
    "langevin": ("implicit, default recipe", "methods/ibc"),
    "mse": ("MSE", "methods/mse"),
    "mdn": ("MDN", "methods/mdn"),
    "nearest_neighbor": ("nearest neighbour", "methods/nearest_neighbor"),
}
# The baselines have the encoder and the training of the implicit policy on the same task.
_BASELINES = ("mse", "mdn")
_HAND = (
    "batch_size = 256",
    "CosineDecay.initial_learning_rate = 0.0",
    "CosineDecay.warmup_target = 3e-3",
    "CosineDecay.warmup_steps = 100",
    "MlpEncoder.activation = 'swish'",
)
_KITCHEN = (
    "batch_size = 128",
    "CosineDecay.initial_learning_rate = 0.0",
    "CosineDecay.warmup_target = 1e-3",
    "CosineDecay.warmup_steps = 100",
)
# Mean returns, three seeds of 100 episodes each; of implicit policies those with Langevin dynamics.
PAPER = {
    "pen": {"langevin": "2586 ± 65", "mse": "2141"},
    "hammer": {"langevin": "-133 ± 26", "mse": "-38"},
    "door": {"langevin": "361 ± 67", "mse": "79"},
    "relocate": {"langevin": "-0.1 ± 2.4", "mse": "-3.5"},
    "kitchen_complete": {"langevin": "3.37 ± 0.19", "mse": "1.76"},
    "kitchen_partial": {"langevin": "1.45 ± 0.35", "mse": "1.69"},
    "kitchen_mixed": {"langevin": "1.51 ± 0.39", "mse": "2.15"},
}


CELLS = [(task, method) for task in TASKS for method in METHODS]


def train(task: str, method: str, seed: int) -> None:
    """Runs the train command and keeps the outcome."""
    demonstrations = runs.ROOT / "datasets" / TASKS[task]
    if not demonstrations.is_dir():
        print(f"{task} is left out: there is no {demonstrations}. docs/d4rl.md says how to get it.")
        return
    name = f"{task}_{method}_seed{seed}"
    root_dir = runs.ROOT / "runs" / "d4rl_results" / name
    is_kitchen = task.startswith("kitchen_")
    implicit = method == "langevin" and is_kitchen
    gin_files = [f"tasks/d4rl/{task}", "recipes/kitchen" if implicit else METHODS[method][1]]
    settings = (_KITCHEN if is_kitchen else _HAND) if method in _BASELINES else ()
    runs.train(gin_files, settings, root_dir, seed)
    if task in LONGER:
        longer = root_dir / "results_longer.json"
        runs.evaluate(root_dir, [LONGER[task]], longer)
        runs.keep(longer, _RESULTS / f"{name}_longer.json")
    runs.keep(root_dir / "results.json", _RESULTS / f"{name}.json")


def summary(cell: runs.Cell) -> Iterator[str]:
    """Returns what the runs of a cell have in common: means over the seeds of training."""
    paths = runs.found(_RESULTS, cell)
    if not paths:
        return
    results = [json.loads(path.read_text()) for path in paths]
    longer = [_in_longer(path) for path in paths]
    successes, episodes = (
        sum(result["success"][key] for result in results) for key in ("successes", "episodes")
    )
    yield (
        f"{results[0]['dataset']['train_episodes']} | {', '.join(path.stem[-1] for path in paths)} "
        f"| {_over_seeds([result['return']['mean'] for result in results])} "
        f"| {_over_seeds([100 * result['normalized_score']['mean'] for result in results])} "
        f"| {successes} of {episodes} "
        f"| {_over_seeds([result['return']['mean'] for result in longer if result])}"
    )


def rows(cell: runs.Cell) -> Iterator[str]:
    """Returns the runs of a cell, each as the table's columns from the seed on."""
    for path in runs.found(_RESULTS, cell):
        results, longer = json.loads(path.read_text()), _in_longer(path)
        yield (
            f"{path.stem[-1]} | {_mean(results['return'])} "
            f"| {_mean(results['normalized_score'], 100)} | {runs.success(results)} "
            f"| {results['success']['episodes']} | {_mean(longer['return']) if longer else '–'} "
            f"| {runs.effort(results)}"
        )


def _in_longer(path: pathlib.Path) -> dict[str, Any] | None:
    """Returns the results in the time that people took, if there are any."""
    longer = path.with_name(f"{path.stem}_longer.json")
    return json.loads(longer.read_text()) if longer.exists() else None


def _mean(described: dict[str, Any], factor: float = 1) -> str:
    mean, low, high = (_number(factor * v) for v in (described["mean"], *described["interval"]))
    return f"{mean} ({low} to {high})"


def _over_seeds(values: Sequence[float]) -> str:
    """Mean and deviation, as the paper tells them."""
    if not values:
        return "–"
    mean = _number(statistics.mean(values))
    return f"{mean} ± {_number(statistics.stdev(values))}" if len(values) > 1 else mean


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"


def main() -> None:
    """Trains what is asked for and prints the tables."""
    runs.train_wanted(__doc__, CELLS, train)
    names = {(task, method): (TASKS[task], METHODS[method][0]) for task, method in CELLS}
    with_paper = {
        (task, method): (*start, PAPER[task].get(method, "–"))
        for (task, method), start in names.items()
    }
    columns = ["task", "method", "paper", "demonstrations", "seeds", "mean return", "score, %"]
    runs.print_table([*columns, "successes", "return in people's time"], with_paper, summary)
    print()
    columns = ["task", "method", "seed", "mean return (95 %)", "score, % (95 %)", "successes"]
    columns += ["95 % interval", "episodes", "return in people's time", "steps", "wall time"]
    at_hand = {cell: start for cell, start in names.items() if runs.found(_RESULTS, cell)}
    runs.print_table(columns, at_hand, rows)


if __name__ == "__main__":
    main()
