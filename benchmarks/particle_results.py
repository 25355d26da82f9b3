"""Repeats the tables of docs/particle.md: success on the N-D particle.

Usage: python benchmarks/particle_results.py [--task 2d …] [--method ibc …] [--seed 0 …]
           [--only_print] [--write]

Trains and evaluates the cells that are missing in benchmarks/results/particle, with runs in
runs/particle.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import result_studies
from matplotlib import figure, ticker

from ibc_agents import studies

DIMENSIONS = (1, 2, 4, 8, 16, 32)
# Steps that differ from the task's 15,000; the available time limited some of them.
_NUM_STEPS = {
    "16d": {"ibc": 24000},
    "1d": {"ibc_langevin": 7000, "ibc_autoregressive": 3000},
    "4d": {"ibc_derivative_free": 3000, "ibc_langevin": 8000, "ibc_autoregressive": 4000},
    "8d": {"ibc_derivative_free": 3000, "ibc_langevin": 8000, "ibc_autoregressive": 2000},
}
_DEFAULT_STEPS = {"ibc_langevin": 10000, "ibc_autoregressive": 10000, "paper": 10000}
# 32 dimensions need a wider head.
_OTHER_SETTINGS = {
    studies.Cell("32d", "ibc"): ("MlpEnergyNetwork.width = 128", "SoftMinimum.units = 64"),
}


def _variations() -> dict[studies.Cell, studies.Variation]:
    found = {}
    for task, method in ((f"{n}d", method) for n in DIMENSIONS for method in _METHODS):
        steps = _NUM_STEPS.get(task, {}).get(method, _DEFAULT_STEPS.get(method))
        bindings = [] if steps is None else [f"num_steps = {steps}"]
        cell = studies.Cell(task, method)
        bindings += _OTHER_SETTINGS.get(cell, ())
        if bindings:
            found[cell] = studies.Variation(bindings=bindings)
    return found


_METHODS = {
    "ibc": studies.Method("implicit, default recipe", ["gin_configs/recipes/particle.gin"]),
    "ibc_derivative_free": result_studies.method(
        "implicit, derivative-free", "ibc_derivative_free"
    ),
    "ibc_langevin": result_studies.method("implicit, Langevin", "ibc_langevin"),
    "paper": studies.Method(
        "implicit, published recipe",
        ["gin_configs/paper/particle_langevin.gin"],
        # Evaluations take as long as a thousand training steps: 512 chains of 100 iterations.
        [
            "EvaluationSettings.interval = 5000",
            "EvaluationSettings.interval_episodes = 5",
            "TrainingSettings.checkpoint_interval = 100",
        ],
    ),
    "ibc_autoregressive": result_studies.method("implicit, autoregressive", "ibc_autoregressive"),
    "mse": result_studies.method("MSE", "mse"),
    "mdn": result_studies.method("MDN", "mdn"),
    "nearest_neighbor": result_studies.method("nearest neighbor", "nearest_neighbor"),
}

STUDY = studies.Study(
    name="particle",
    tasks={
        f"{n}d": studies.Task(
            str(n), ["gin_configs/tasks/particle.gin"], [f"ParticleEnvironment.dimension = {n}"]
        )
        for n in DIMENSIONS
    },
    methods=_METHODS,
    variations=_variations(),
)


def tables(runner: studies.Runner) -> dict[str, str]:
    """Returns the table of training seed 0, and the table of several training seeds."""
    columns = ("method", "N", "success of 100", "95 % interval", "steps", "wall time")
    cells = sorted(STUDY.cells(), key=lambda cell: list(STUDY.methods).index(cell.method))

    def rows(cell: studies.Cell) -> Iterator[Sequence[str]]:
        results = runner.results(cell).get(0)
        if results is not None:
            yield *result_studies.success(results), *result_studies.effort(results)

    return {
        "particle": result_studies.markdown(
            columns, result_studies.cell_rows(cells, _titles, rows, len(columns))
        ),
        "particle, several training seeds": result_studies.markdown(
            ("method", "N", "successes of 100, by training seed", "success rate (95 % interval)"),
            list(_rows_of_several_seeds(runner, cells)),
        ),
    }


def draw(runner: studies.Runner) -> figure.Figure:
    """Returns a plot of success against N with 95 % intervals, of training seed 0."""
    plot = figure.Figure(figsize=(9, 4), layout="constrained")
    axes = plot.subplots()
    for number, (name, method) in enumerate(STUDY.methods.items()):
        found = {n: runner.results(studies.Cell(f"{n}d", name)).get(0) for n in DIMENSIONS}
        known = {n: results["success"] for n, results in found.items() if results is not None}
        rates = [success["rate"] for success in known.values()]
        intervals = [success["interval"] for success in known.values()]
        axes.errorbar(
            # A horizontal offset separates the intervals.
            [n * 1.04 ** (number - len(STUDY.methods) / 2) for n in known],
            rates,
            yerr=[
                [max(0.0, rate - low) for rate, (low, _) in zip(rates, intervals, strict=True)],
                [max(0.0, high - rate) for rate, (_, high) in zip(rates, intervals, strict=True)],
            ],
            marker="o",
            markersize=4,
            capsize=2,
            linewidth=2 if name == "ibc" else 1,
            label=method.title,
        )
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(ticker.ScalarFormatter())
    axes.set_xticks(DIMENSIONS)
    axes.set_xlabel("N, dimensions of the particle")
    axes.set_ylabel("success rate in 100 episodes")
    axes.grid(alpha=0.3)
    plot.legend(loc="outside right upper", frameon=False, fontsize="small")
    return plot


def _titles(cell: studies.Cell) -> Sequence[str]:
    return STUDY.methods[cell.method].title, STUDY.tasks[cell.task].title


def _rows_of_several_seeds(
    runner: studies.Runner, cells: Sequence[studies.Cell]
) -> Iterator[Sequence[str]]:
    for cell in cells:
        found = runner.results(cell)
        if len(found) < 2:
            continue
        successes = {seed: results["success"]["successes"] for seed, results in found.items()}
        listed = ", ".join(f"{seed}: {count}" for seed, count in successes.items())
        yield *_titles(cell), listed, result_studies.success_rate(list(found.values()))


if __name__ == "__main__":
    result_studies.main(
        __doc__, STUDY, tables, "docs/particle.md", {"docs/images/particle.png": draw}
    )
