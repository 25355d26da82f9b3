"""Repeats the ablation of docs/particle.md: the 8-D particle without parts of the recipe.

Usage: python benchmarks/ablation.py [--method no_noise …] [--only_print] [--write]

Trains and evaluates the cells that are missing in benchmarks/results/ablation, with runs in
runs/ablation. The training seed is 0 and the training has 60 % of the default steps. The evaluation
seed is 2029, which was not used to select any setting.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import result_studies

from ibc_agents import studies

_WHOLE_ENERGY = (
    "PolicySearch.sampler = @policy/Langevin()",
    "PolicySearch.number = 16",
    "policy/Langevin.num_iterations = 30",
    "policy/Polynomial.first = 0.2",
)
_VARIANTS: dict[str, tuple[str, Sequence[str]]] = {
    "default": ("default recipe", ()),
    "linear_head": (
        "a linear output instead of basins; the policy searches the whole energy",
        ("MlpEnergyNetwork.head = None", *_WHOLE_ENERGY),
    ),
    "one_basin": ("one basin instead of four", ("SoftMinimum.num_basins = 1",)),
    "no_action_noise": (
        "no noise on demonstrated actions",
        ("CounterExamples.action_noise_stddev = 0.0",),
    ),
    "half_weight": ("conditional NCE of weight 1 instead of 2", ("ConditionalNCE.weight = 1.0",)),
    "no_conditional_nce": ("no conditional NCE", ("ImplicitBCAgent.conditional_nce = None",)),
    "uniform": (
        "64 uniform counter-examples instead of 4 chains",
        (
            "CounterExamples.sampler = None",
            "CounterExamples.number = 64",
        ),
    ),
    "short_chains": (
        "training chains of 5 steps instead of 15",
        ("train/Langevin.num_iterations = 5",),
    ),
    "relu": (
        "ReLU instead of swish",
        ("MlpEnergyNetwork.activation = 'relu'", "MlpEncoder.activation = 'relu'"),
    ),
    "no_warmup": (
        "no learning-rate warm-up",
        ("CosineDecay.warmup_steps = 0", "CosineDecay.initial_learning_rate = 3e-3"),
    ),
    "slow": ("a third of the learning rate", ("CosineDecay.warmup_target = 1e-3",)),
    "no_distances": ("no distances among the encoder's features", ("MlpEncoder.distances = None",)),
    "no_noise": ("no noise on distances", ("LogDistances.noise = None",)),
    "noise_on_observations": (
        "the same noise on all observations instead of distances",
        ("LogDistances.noise = None", "MlpEncoder.noise = @Noise()"),
    ),
    "uniform_windows": (
        "uniformly sampled windows instead of prioritized ones",
        ("Experiment.source = @ReverbSource()",),
    ),
    "whole_energy": ("the policy searches the whole energy instead of each basin", _WHOLE_ENERGY),
}

STUDY = studies.Study(
    name="ablation",
    tasks={"8d": studies.Task("8", ["gin_configs/recipes/particle.gin"])},
    methods={
        name: studies.Method(title, [], bindings) for name, (title, bindings) in _VARIANTS.items()
    },
    bindings=(
        "ParticleEnvironment.dimension = 8",
        "num_steps = 2400",
        "EvaluationSettings.seed = 2029",
    ),
)


def tables(runner: studies.Runner) -> dict[str, str]:
    """Returns the table of all variants."""
    columns = ("variant", "success of 100", "95 % interval", "steps", "wall time")

    def title(cell: studies.Cell) -> Sequence[str]:
        return (STUDY.methods[cell.method].title,)

    def rows(cell: studies.Cell) -> Iterator[Sequence[str]]:
        for results in runner.results(cell).values():
            yield *result_studies.success(results), *result_studies.effort(results)

    cells = result_studies.cell_rows(STUDY.cells(), title, rows, len(columns))
    return {"ablation": result_studies.markdown(columns, cells)}


if __name__ == "__main__":
    result_studies.main(__doc__, STUDY, tables, "docs/particle.md")
