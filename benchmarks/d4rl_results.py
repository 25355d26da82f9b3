"""Repeats the tables of docs/d4rl.md (paper, Table 2).

Usage: python benchmarks/d4rl_results.py [--task door …] [--method ibc …] [--seed 0 …]
           [--only_print] [--write]

Trains and evaluates the cells that are missing in benchmarks/results/d4rl, with runs in runs/d4rl.
The policies of the door are evaluated again with a horizon of 300 steps. The demonstrations are the
folders in datasets/ with the names of D4RL's datasets. Tasks without demonstrations are skipped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import result_studies

from ibc_agents import studies

_DATASETS = {
    "pen": "pen-human-v0",
    "hammer": "hammer-human-v0",
    "door": "door-human-v0",
    "relocate": "relocate-human-v0",
    "kitchen_complete": "kitchen-complete-v0",
    "kitchen_partial": "kitchen-partial-v0",
    "kitchen_mixed": "kitchen-mixed-v0",
}
_LONG = "long_horizon"
# Mean returns over three seeds with 100 episodes each. The implicit policies use Langevin dynamics.
_PUBLISHED = {
    "pen": {"ibc": "2586 ± 65", "mse": "2141"},
    "hammer": {"ibc": "-133 ± 26", "mse": "-38"},
    "door": {"ibc": "361 ± 67", "mse": "79"},
    "relocate": {"ibc": "-0.1 ± 2.4", "mse": "-3.5"},
    "kitchen_complete": {"ibc": "3.37 ± 0.19", "mse": "1.76"},
    "kitchen_partial": {"ibc": "1.45 ± 0.35", "mse": "1.69"},
    "kitchen_mixed": {"ibc": "1.51 ± 0.39", "mse": "2.15"},
}
_WARMUP = ("CosineDecay.initial_learning_rate = 0.0", "CosineDecay.warmup_steps = 100")
# Explicit policies have the encoder and the training of the implicit policy in the same domain.
_ADROIT = (
    *_WARMUP,
    "batch_size = 256",
    "CosineDecay.warmup_target = 3e-3",
    "MlpEncoder.activation = 'swish'",
)
_KITCHEN = (*_WARMUP, "batch_size = 128", "CosineDecay.warmup_target = 1e-3")


def _variations() -> dict[studies.Cell, studies.Variation]:
    found = {}
    for task in _DATASETS:
        is_kitchen = task.startswith("kitchen_")
        for method in ("mse", "mdn"):
            found[studies.Cell(task, method)] = studies.Variation(
                bindings=_KITCHEN if is_kitchen else _ADROIT
            )
        if is_kitchen:
            found[studies.Cell(task, "ibc")] = studies.Variation(
                [f"gin_configs/tasks/d4rl/{task}.gin", "gin_configs/recipes/kitchen.gin"]
            )
    return found


STUDY = studies.Study(
    name="d4rl",
    tasks={
        name: studies.Task(
            dataset,
            [f"gin_configs/tasks/d4rl/{name}.gin"],
            dataset=result_studies.ROOT / "datasets" / dataset,
        )
        for name, dataset in _DATASETS.items()
    },
    methods={
        "ibc": result_studies.method("implicit, default recipe", "ibc"),
        "mse": result_studies.method("MSE", "mse"),
        "mdn": result_studies.method("MDN", "mdn"),
        "nearest_neighbor": result_studies.method("nearest neighbor", "nearest_neighbor"),
    },
    variations=_variations(),
    # The person who demonstrated the door took up to 300 steps; the benchmark allows 200.
    evaluations={
        _LONG: studies.Evaluation(
            ["Task.evaluation_environment = @LongDoorEnvironment"], tasks=["door"]
        )
    },
)


def tables(runner: studies.Runner) -> dict[str, str]:
    """Returns a table over training seeds, and a table of all runs."""
    over_seeds = ("task", "method", "paper", "demonstrations", "seeds", "mean return", "score, %")
    over_seeds += ("successes", "return with a 300-step horizon")
    of_runs = ("task", "method", "seed", "mean return (95 %)", "score, % (95 %)", "successes")
    of_runs += ("95 % interval", "episodes", "return with a 300-step horizon", "steps", "wall time")

    def titles(cell: studies.Cell) -> Sequence[str]:
        return STUDY.tasks[cell.task].title, STUDY.methods[cell.method].title

    def titles_and_paper(cell: studies.Cell) -> Sequence[str]:
        return *titles(cell), _PUBLISHED[cell.task].get(cell.method, "–")

    def summary(cell: studies.Cell) -> Iterator[Sequence[str]]:
        found = runner.results(cell)
        if not found:
            return
        results, longer = list(found.values()), list(runner.results(cell, _LONG).values())
        successes, episodes = (
            sum(result["success"][key] for result in results) for key in ("successes", "episodes")
        )
        yield (
            str(results[0]["dataset"]["train_episodes"]),
            ", ".join(map(str, found)),
            _mean_and_deviation([result["return"]["mean"] for result in results]),
            _mean_and_deviation([100 * result["normalized_score"]["mean"] for result in results]),
            f"{successes} of {episodes}",
            _mean_and_deviation([result["return"]["mean"] for result in longer]),
        )

    def rows(cell: studies.Cell) -> Iterator[Sequence[str]]:
        longer = runner.results(cell, _LONG)
        for seed, results in runner.results(cell).items():
            yield (
                str(seed),
                _mean_and_interval(results["return"]),
                _mean_and_interval(results["normalized_score"], 100),
                *result_studies.success(results),
                str(results["success"]["episodes"]),
                _mean_and_interval(longer[seed]["return"]) if seed in longer else "–",
                *result_studies.effort(results),
            )

    cells = STUDY.cells()
    known = [cell for cell in cells if runner.results(cell)]
    return {
        "D4RL over training seeds": result_studies.markdown(
            over_seeds, result_studies.cell_rows(cells, titles_and_paper, summary, len(over_seeds))
        ),
        "D4RL runs": result_studies.markdown(
            of_runs, result_studies.cell_rows(known, titles, rows, len(of_runs))
        ),
    }


def _mean_and_interval(described: result_studies.Results, factor: float = 1) -> str:
    mean, low, high = (_number(factor * v) for v in (described["mean"], *described["interval"]))
    return f"{mean} ({low} to {high})"


def _mean_and_deviation(values: Sequence[float]) -> str:
    """Returns mean and standard deviation over seeds, as the paper reports them."""
    if not values:
        return "–"
    summary = studies.summarize(values)
    if summary.standard_deviation is None:
        return _number(summary.mean)
    return f"{_number(summary.mean)} ± {_number(summary.standard_deviation)}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"


if __name__ == "__main__":
    result_studies.main(__doc__, STUDY, tables, "docs/d4rl.md")
