"""Repeats the table of docs/block_pushing.md (paper, Table 3).

Usage: python benchmarks/pushing_results.py [--task states …] [--method ibc …] [--seed 0 …]
           [--only_print] [--write]

Trains and evaluates the cells that are missing in benchmarks/results/pushing, with runs in
runs/pushing. Each policy is evaluated again with a tolerance of 0.01 m.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import result_studies

from ibc_agents import studies

# The multi-target column of the paper is one of two tasks.
_TITLES = {
    "states": "one target, states",
    "discontinuous": "two targets in turn, states",
    "multimodal": "two blocks, two targets, states",
    "pixels": "one target, pixels",
}
_TIGHT = "tolerance_0.01"
_MULTI = {
    "ibc_derivative_free": "99.0",
    "ibc_langevin": "99.0",
    "mdn": "99.7",
    "mse": "89.7",
    "nearest_neighbor": "0.0",
}
# The paper does not state which optimizer its implicit policies used in each cell.
_PUBLISHED = {
    "states": {
        "ibc": "100",
        "ibc_derivative_free": "100",
        "ibc_langevin": "100",
        "mdn": "100",
        "mse": "98.3",
        "nearest_neighbor": "4.0",
    },
    "discontinuous": _MULTI,
    "multimodal": _MULTI,
    "pixels": {
        "ibc": "100",
        "ibc_derivative_free": "100",
        "ibc_langevin": "100",
        "mdn": "92.3",
        "mse": "87.0",
        "nearest_neighbor": "4.3",
    },
}

STUDY = studies.Study(
    name="pushing",
    tasks={
        name: studies.Task(title, [f"gin_configs/tasks/pushing_{name}.gin"])
        for name, title in _TITLES.items()
    },
    methods={
        "ibc": result_studies.method("implicit, default recipe", "ibc"),
        "ibc_derivative_free": result_studies.method(
            "implicit, derivative-free", "ibc_derivative_free"
        ),
        "ibc_langevin": result_studies.method("implicit, Langevin", "ibc_langevin"),
        "mdn": result_studies.method("MDN", "mdn"),
        "mse": result_studies.method("MSE", "mse"),
        "nearest_neighbor": result_studies.method("nearest neighbor", "nearest_neighbor"),
    },
    # Training steps with chains are more expensive, so these cells have fewer steps.
    variations={
        studies.Cell("states", "ibc_langevin"): studies.Variation(bindings=["num_steps = 6000"]),
        studies.Cell("discontinuous", "ibc_langevin"): studies.Variation(
            bindings=["num_steps = 6000"]
        ),
        studies.Cell("multimodal", "ibc_langevin"): studies.Variation(
            bindings=["num_steps = 15000"]
        ),
        studies.Cell("pixels", "ibc"): studies.Variation(
            bindings=["CosineDecay.warmup_target = 1e-3"]
        ),
    },
    excluded=[studies.Cell("discontinuous", "ibc"), studies.Cell("multimodal", "ibc")],
    evaluations={
        _TIGHT: studies.Evaluation(["evaluation/BlockPushingEnvironment.tolerance = 0.01"])
    },
)


def tables(runner: studies.Runner) -> dict[str, str]:
    """Returns the table of all runs."""
    columns = ("task", "method", "seed", "success of 100", "95 % interval", "at 0.01 m")
    columns += ("95 % interval", "paper", "steps", "wall time")

    def rows(cell: studies.Cell) -> Iterator[Sequence[str]]:
        tight = runner.results(cell, _TIGHT)
        for seed, results in runner.results(cell).items():
            yield (
                str(seed),
                *result_studies.success(results),
                *result_studies.success(tight[seed]),
                _PUBLISHED[cell.task][cell.method],
                *result_studies.effort(results),
            )

    def titles(cell: studies.Cell) -> Sequence[str]:
        return STUDY.tasks[cell.task].title, STUDY.methods[cell.method].title

    cells = result_studies.cell_rows(STUDY.cells(), titles, rows, len(columns))
    return {"block pushing": result_studies.markdown(columns, cells)}


if __name__ == "__main__":
    result_studies.main(__doc__, STUDY, tables, "docs/block_pushing.md")
