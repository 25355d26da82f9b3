"""Repeats the README's table of successes on the N-D particle, or rows of it.

Usage: python benchmarks/particle_results.py [METHOD [DIMENSION]] [--seed=0] [--only_print]

Trains and evaluates each row's run into runs/particle_results (a finished run is not repeated, an
interrupted one goes on), writes what came of it into benchmarks/results/particle, and prints all
that is there. Every row is its method's gin file at dimension N, with `STEPS` where they differ.
"""

from __future__ import annotations

import argparse
import json

import runs

_RESULTS = runs.ROOT / "benchmarks" / "results" / "particle"

METHODS = {
    "default": ("implicit, default recipe", "particle.gin"),
    "dfo": ("implicit, derivative-free", "particle_derivative_free.gin"),
    "langevin": ("implicit, Langevin", "particle_langevin.gin"),
    "autoregressive": ("implicit, autoregressive", "particle_autoregressive.gin"),
    "mse": ("MSE", "particle_mse.gin"),
    "mdn": ("MDN", "particle_mdn.gin"),
    "nearest_neighbor": ("nearest neighbour", "particle_nearest_neighbor.gin"),
}
DIMENSIONS = (1, 2, 4, 8)
# Steps, where they are not the gin file's: what could be afforded.
STEPS = {
    ("dfo", 4): 3000,
    ("dfo", 8): 3000,
    ("langevin", 1): 7000,
    ("langevin", 4): 8000,
    ("langevin", 8): 8000,
    ("default", 1): 3000,
    ("default", 8): 4000,
    ("autoregressive", 1): 3000,
    ("autoregressive", 4): 4000,
    ("autoregressive", 8): 2000,
}
ROWS = [(method, dimension) for method in METHODS for dimension in DIMENSIONS]


def train(method: str, dimension: int, seed: int) -> None:
    """Runs the train command and keeps the outcome."""
    root_dir = runs.ROOT / "runs" / "particle_results" / _name(method, dimension, seed)
    bindings = [f"ParticleEnvironment.dimension = {dimension}"]
    if (method, dimension) in STEPS:
        bindings.append(f"num_steps = {STEPS[method, dimension]}")
    runs.train(METHODS[method][1], bindings, root_dir, seed)
    runs.keep(root_dir / "results.json", _RESULTS / f"{_name(method, dimension, seed)}.json")


def print_table() -> None:
    """Prints every row as Markdown; rows without a result say so."""
    print("| method | N | success of 100 | 95 % interval | steps | wall time | command |")
    print("|---|---|---|---|---|---|---|")
    for method, dimension in ROWS:
        command = f"`python benchmarks/particle_results.py {method} {dimension}`"
        found = sorted(_RESULTS.glob(f"{method}_{dimension}d_seed*.json"))
        for path in found:
            results = json.loads(path.read_text())
            row = f"{runs.success(results)} | {runs.effort(results)}"
            print(f"| {METHODS[method][0]} | {dimension} | {row} | {command} |")
        if not found:
            print(f"| {METHODS[method][0]} | {dimension} | not run | | | | {command} |")


def _name(method: str, dimension: int, seed: int) -> str:
    return f"{method}_{dimension}d_seed{seed}"


def main() -> None:
    """Trains what is asked for and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("method", nargs="?", choices=METHODS, help="by default all")
    parser.add_argument("dimension", nargs="?", type=int, choices=DIMENSIONS, help="default: all")
    parser.add_argument("--seed", type=int, default=0, help="of training")
    parser.add_argument("--only_print", action="store_true", help="train nothing")
    arguments = parser.parse_args()
    for method, dimension in ROWS:
        wanted = arguments.method in (None, method) and arguments.dimension in (None, dimension)
        if wanted and not arguments.only_print:
            train(method, dimension, arguments.seed)
    print_table()


if __name__ == "__main__":
    main()
