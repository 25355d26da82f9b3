"""What each ingredient of the default recipe is worth: runs of the 8-D particle without it.

Usage: python benchmarks/ablation.py [VARIANT ...] [--only_print]

Trains and evaluates each variant into runs/ablation (a finished run is not repeated, an interrupted
one goes on), writes what came of it into benchmarks/results/ablation, and prints all that is there.
Training seed 0, three fifths of the default steps; evaluation seed 2029, on which nothing was
chosen.
"""

from __future__ import annotations

import argparse
import json

import choices
import runs

_RESULTS = runs.ROOT / "benchmarks" / "results" / "ablation"
_SHARED = (
    "ParticleEnvironment.dimension = 8",
    "num_steps = 2400",
    "EvaluationSettings.seed = 2029",
)
_SEARCH_OF_THE_WHOLE = (
    "ImplicitBCAgent.policy_sampler = @policy/Langevin()",
    "ImplicitBCAgent.num_policy_samples = 16",
    "policy/Langevin.num_iterations = 30",
    "policy/Polynomial.first = 0.2",
)
VARIANTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "default": ("the default recipe", ()),
    "plain_head": (
        "a linear output in place of basins, which the policy cannot look into then",
        ("MlpEnergyNetwork.head = None", *_SEARCH_OF_THE_WHOLE),
    ),
    "one_basin": ("one basin in place of four", ("SoftMinimum.num_basins = 1",)),
    "exact": ("demonstrations not blurred", ("ImplicitBCAgent.smoothing = 0.0",)),
    "light": ("the neighbourhood's loss of weight 1 in place of 2", ("Neighborhood.weight = 1.0",)),
    "no_neighborhood": ("no neighbourhood", ("ImplicitBCAgent.neighborhood = None",)),
    "uniform": (
        "64 uniform counter-examples in place of 4 descents",
        (
            "ImplicitBCAgent.counter_example_sampler = None",
            "ImplicitBCAgent.num_counter_examples = 64",
        ),
    ),
    "short": ("descents of 5 steps in place of 15", ("train/Langevin.num_iterations = 5",)),
    "relu": (
        "ReLU in place of swish",
        ("MlpEnergyNetwork.activation = 'relu'", "MlpEncoder.activation = 'relu'"),
    ),
    "no_warmup": (
        "no warm-up",
        ("CosineDecay.warmup_steps = 0", "CosineDecay.initial_learning_rate = 3e-3"),
    ),
    "slow": ("a third of the learning rate", ("CosineDecay.warmup_target = 1e-3",)),
    "no_distances": ("no distances among the encoder's features", ("MlpEncoder.distances = None",)),
    "no_noise": ("no noise on distances", ("LogDistances.noise = None",)),
    "noise": (
        "the same noise on all that the encoder sees",
        ("LogDistances.noise = None", "MlpEncoder.noise = @Noise()"),
    ),
    "even_windows": ("all windows equally likely", ("Experiment.source = @ReverbSource()",)),
    "whole": ("descents on the whole energy in place of each basin", _SEARCH_OF_THE_WHOLE),
}


def train(variant: str) -> None:
    """Runs the train command and keeps the outcome."""
    root_dir = runs.ROOT / "runs" / "ablation" / variant
    runs.train(["particle"], (*_SHARED, *VARIANTS[variant][1]), root_dir, seed=0)
    runs.keep(root_dir / "results.json", _RESULTS / f"{variant}.json")


def print_table() -> None:
    """Prints every variant as Markdown; those without a result say so."""
    print("| variant | success of 100 | 95 % interval | steps | wall time |")
    print("|---|---|---|---|---|")
    for variant, (title, _) in VARIANTS.items():
        path = _RESULTS / f"{variant}.json"
        row = "not run | | |"
        if path.exists():
            results = json.loads(path.read_text())
            row = f"{runs.success(results)} | {runs.effort(results)}"
        print(f"| {title} | {row} |")


def main() -> None:
    """Trains what is asked for and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    name = choices.one_of("variant", VARIANTS)
    known = ", ".join(VARIANTS)
    parser.add_argument("variants", nargs="*", metavar="VARIANT", type=name, help=known)
    parser.add_argument("--only_print", action="store_true", help="train nothing")
    arguments = parser.parse_args()
    for variant in () if arguments.only_print else arguments.variants or VARIANTS:
        train(variant)
    print_table()


if __name__ == "__main__":
    main()
