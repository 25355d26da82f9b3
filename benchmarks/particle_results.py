"""Repeats the tables of docs/particle.md: successes on the N-D particle, or rows of them.

Usage: python benchmarks/particle_results.py [METHOD [DIMENSION]] [--seed=0] [--only_print]
           [--picture=FILE.png]

Trains and evaluates each row's run into runs/particle_results (a finished run is not repeated, an
interrupted one goes on), writes what came of it into benchmarks/results/particle, and prints all
that is there: a table of training seed 0, and one of the other seeds. Every row is its method's gin
file at dimension N, with `STEPS` and `SETTINGS` where they differ.
"""

from __future__ import annotations

import argparse
import json
import pathlib
from typing import Any

import runs
from matplotlib import figure, ticker

_RESULTS = runs.ROOT / "benchmarks" / "results" / "particle"

METHODS = {
    "default": ("implicit, default recipe", "recipes/particle"),
    "dfo": ("implicit, derivative-free", "methods/ibc_derivative_free"),
    "langevin": ("implicit, Langevin", "methods/ibc_langevin"),
    "paper": ("implicit, published recipe", "paper/particle_langevin"),
    "autoregressive": ("implicit, autoregressive", "methods/ibc_autoregressive"),
    "mse": ("MSE", "methods/mse"),
    "mdn": ("MDN", "methods/mdn"),
    "nearest_neighbor": ("nearest neighbour", "methods/nearest_neighbor"),
}
DIMENSIONS = (1, 2, 4, 8, 16, 32)
# Steps, where they are not the gin file's: what is needed, or could be afforded.
STEPS = {
    (method, dimension): 10000
    for method in ("langevin", "autoregressive")
    for dimension in DIMENSIONS
}
STEPS |= {
    ("default", 16): 24000,
    ("dfo", 4): 3000,
    ("dfo", 8): 3000,
    ("langevin", 1): 7000,
    ("langevin", 4): 8000,
    ("langevin", 8): 8000,
    ("autoregressive", 1): 3000,
    ("autoregressive", 4): 4000,
    ("autoregressive", 8): 2000,
}
STEPS |= {("paper", dimension): 8000 for dimension in DIMENSIONS}
# What else is not the gin file's: room for as many differences, and chains in training as long as
# the authors' code runs them, whatever their settings say.
SETTINGS = {("default", 32): ("MlpEnergyNetwork.width = 128", "SoftMinimum.units = 64")} | {
    ("paper", dimension): ("train/Langevin.num_iterations = 25",) for dimension in DIMENSIONS
}
ROWS = [(method, dimension) for method in METHODS for dimension in DIMENSIONS]


def train(method: str, dimension: int, seed: int) -> None:
    """Runs the train command and keeps the outcome."""
    root_dir = runs.ROOT / "runs" / "particle_results" / _name(method, dimension, seed)
    bindings = [f"ParticleEnvironment.dimension = {dimension}"]
    bindings += SETTINGS.get((method, dimension), ())
    if (method, dimension) in STEPS:
        bindings.append(f"num_steps = {STEPS[method, dimension]}")
    runs.train(["tasks/particle", METHODS[method][1]], bindings, root_dir, seed)
    runs.keep(root_dir / "results.json", _RESULTS / f"{_name(method, dimension, seed)}.json")


def print_tables() -> None:
    """Prints every row as Markdown; rows without a result say so. Then what other seeds gave."""
    print("| method | N | success of 100 | 95 % interval | steps | wall time | command |")
    print("|---|---|---|---|---|---|---|")
    for method, dimension in ROWS:
        command = f"`python benchmarks/particle_results.py {method} {dimension}`"
        results = _results(method, dimension).get(0)
        row = f"{runs.success(results)} | {runs.effort(results)}" if results else "not run | | |"
        print(f"| {METHODS[method][0]} | {dimension} | {row} | {command} |")
    print("\n| method | N | successes of 100, by training seed |")
    print("|---|---|---|")
    for method, dimension in ROWS:
        found = _results(method, dimension)
        if len(found) > 1:
            seeds = ", ".join(f"{seed}: {found[seed]['success']['successes']}" for seed in found)
            print(f"| {METHODS[method][0]} | {dimension} | {seeds} |")


def draw(path: pathlib.Path) -> None:
    """Writes a picture of success against N, with 95 % intervals; of training seed 0."""
    picture = figure.Figure(figsize=(9, 4), layout="constrained")
    axes = picture.subplots()
    for number, method in enumerate(METHODS):
        found = {n: _results(method, n)[0] for n in DIMENSIONS if 0 in _results(method, n)}
        # Side by side, so that intervals can be told apart.
        places = [n * 1.04 ** (number - len(METHODS) / 2) for n in found]
        rates = [results["success"]["rate"] for results in found.values()]
        ends = [results["success"]["interval"] for results in found.values()]
        below = [max(0.0, rate - low) for rate, (low, _) in zip(rates, ends, strict=True)]
        above = [max(0.0, high - rate) for rate, (_, high) in zip(rates, ends, strict=True)]
        axes.errorbar(
            places, rates, yerr=[below, above], marker="o", markersize=4, capsize=2,
            linewidth=2 if method == "default" else 1, label=METHODS[method][0],
        )  # fmt: skip
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(ticker.ScalarFormatter())
    axes.set_xticks(DIMENSIONS)
    axes.set_xlabel("N, dimensions of the particle")
    axes.set_ylabel("success in 100 episodes")
    axes.grid(alpha=0.3)
    picture.legend(loc="outside right upper", frameon=False, fontsize="small")
    picture.savefig(path, dpi=100)


def _results(method: str, dimension: int) -> dict[int, dict[str, Any]]:
    """Returns the results that are there, by training seed, in their order."""
    found = [
        json.loads(path.read_text()) for path in _RESULTS.glob(f"{method}_{dimension}d_seed*.json")
    ]
    return {results["seed"]: results for results in sorted(found, key=lambda r: r["seed"])}


def _name(method: str, dimension: int, seed: int) -> str:
    return f"{method}_{dimension}d_seed{seed}"


def main() -> None:
    """Trains what is asked for and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("method", nargs="?", choices=METHODS, help="by default all")
    parser.add_argument("dimension", nargs="?", type=int, choices=DIMENSIONS, help="default: all")
    parser.add_argument("--seed", type=int, default=0, help="of training")
    parser.add_argument("--only_print", action="store_true", help="train nothing")
    parser.add_argument("--picture", type=pathlib.Path, help="PNG file: success against N")
    arguments = parser.parse_args()
    for method, dimension in ROWS:
        wanted = arguments.method in (None, method) and arguments.dimension in (None, dimension)
        if wanted and not arguments.only_print:
            train(method, dimension, arguments.seed)
    print_tables()
    if arguments.picture:
        draw(arguments.picture)


if __name__ == "__main__":
    main()
