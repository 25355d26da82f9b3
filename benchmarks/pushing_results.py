"""Repeats the table of docs/block_pushing.md (paper, Table 3), or cells of it.

Usage: python benchmarks/pushing_results.py [TASK [METHOD]] [--seed=0] [--only_print]

Trains and evaluates each run into runs/pushing_results (a finished run is not repeated, an
interrupted one goes on), evaluates it once more with the tighter tolerance of 0.01 m, writes what
came of it into benchmarks/results/pushing, and prints all that is there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import runs

_RESULTS = runs.ROOT / "benchmarks" / "results" / "pushing"
_TIGHT = "evaluation/BlockPushingEnvironment.tolerance = 0.01"

# By the end of the gin files' names; the multi-target column of the paper is one of two tasks.
TASKS = {
    "states": "one target, states",
    "discontinuous": "two targets in turn, states",
    "multimodal": "two blocks, two targets, states",
    "pixels": "one target, pixels",
}
METHODS = {
    "default": ("implicit, default recipe", "ibc"),
    "dfo": ("implicit, derivative-free", "ibc_derivative_free"),
    "langevin": ("implicit, Langevin", "ibc_langevin"),
    "mdn": ("MDN", "mdn"),
    "mse": ("MSE", "mse"),
    "nearest_neighbor": ("nearest neighbour", "nearest_neighbor"),
}
_MULTI = {
    "dfo": "99.0",
    "langevin": "99.0",
    "mdn": "99.7",
    "mse": "89.7",
    "nearest_neighbor": "0.0",
}
# The paper does not say which optimiser its implicit policies used in which cell.
PAPER = {
    "states": {
        "default": "100", "dfo": "100", "langevin": "100", "mdn": "100", "mse": "98.3",
        "nearest_neighbor": "4.0",
    },
    "discontinuous": _MULTI,
    "multimodal": _MULTI,
    "pixels": {
        "default": "100", "dfo": "100", "langevin": "100", "mdn": "92.3", "mse": "87.0",
        "nearest_neighbor": "4.3",
    },
}  # fmt: skip
# Tasks with the default recipe.
_DEFAULT = ("states", "pixels")
# What is not the gin files': chains cost time, and got fewer steps.
SETTINGS = {
    ("states", "langevin"): ["num_steps = 6000"],
    ("discontinuous", "langevin"): ["num_steps = 6000"],
    ("multimodal", "langevin"): ["num_steps = 15000"],
    ("pixels", "default"): ["CosineDecay.warmup_target = 1e-3"],
}
CELLS = [
    (task, method)
    for task in TASKS
    for method in METHODS
    if task in _DEFAULT or method != "default"
]


def train(task: str, method: str, seed: int) -> None:
    """Runs the commands and keeps the outcome."""
    name = f"{task}_{method}_seed{seed}"
    root_dir = runs.ROOT / "runs" / "pushing_results" / name
    gin_files = [f"tasks/pushing_{task}", f"methods/{METHODS[method][1]}"]
    runs.train(gin_files, SETTINGS.get((task, method), []), root_dir, seed)
    tight = root_dir / "results_at_0.01.json"
    runs.evaluate(root_dir, [_TIGHT], tight)
    # Kept together: a row of the table has both.
    runs.keep(tight, _RESULTS / f"{name}_at_0.01.json")
    runs.keep(root_dir / "results.json", _RESULTS / f"{name}.json")


def rows(cell: runs.Cell) -> Iterator[str]:
    """Returns the runs of a cell, each as the table's columns from the seed on."""
    task, method = cell
    for path in runs.found(_RESULTS, cell):
        results = json.loads(path.read_text())
        tight = json.loads(path.with_name(f"{path.stem}_at_0.01.json").read_text())
        yield (
            f"{path.stem[-1]} | {runs.success(results)} | {runs.success(tight)} "
            f"| {PAPER[task][method]} | {runs.effort(results)}"
        )


def main() -> None:
    """Trains what is asked for and prints the table."""
    runs.train_wanted(__doc__, CELLS, train)
    columns = ["task", "method", "seed", "success of 100", "95 % interval", "at 0.01 m"]
    columns += ["95 % interval", "paper", "steps", "wall time"]
    starts = {(task, method): (TASKS[task], METHODS[method][0]) for task, method in CELLS}
    runs.print_table(columns, starts, rows)


if __name__ == "__main__":
    main()
