"""Measures the time of an evaluation of 100 episodes.

Usage: python benchmarks/evaluation_time.py [--episodes=100] [--out=FILE] [GIN_FILE ...]

Each gin file configures one evaluation; the default is the default recipe on the particle. The
policy is untrained: the cost of an action does not depend on the weights, and failed episodes have
the most steps.
"""

from __future__ import annotations

import argparse
import json
import time

import measuring  # sets the search path; must precede imports of the project
import outputs

from ibc_agents.rollouts import evaluation


def measure(gin_file: str, num_episodes: int) -> dict[str, float]:
    """Returns the times of an evaluation, including the construction of environments."""
    with measuring.experiment(gin_file) as experiment:
        policy = experiment.make_agent(experiment.open_demonstrations()).policy
    wall, cpu = time.perf_counter(), time.process_time()
    result = evaluation.evaluate(
        policy,
        experiment.task.evaluation_environment,
        num_episodes,
        experiment.evaluation.seed,
        experiment.evaluation.batch_size,
    )
    return {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "steps": sum(outcome.steps for outcome in result.outcomes),
    }


def main() -> None:
    """Measures, prints a line per file and writes the results to --out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "gin_files", nargs="*", default=("gin_configs/particle.gin",), metavar="GIN_FILE"
    )
    parser.add_argument("--episodes", type=int, default=100)
    parser.add_argument("--out", type=outputs.output_file, help="JSON file of the results")
    arguments = parser.parse_args()
    results = {name: measure(name, arguments.episodes) for name in arguments.gin_files}
    for name, row in results.items():
        print(
            f"{name}: {arguments.episodes} episodes with {row['steps']} steps in total: "
            f"{row['seconds']:.1f} s, {row['cpu_seconds']:.1f} CPU-seconds"
        )
    if arguments.out:
        arguments.out.write_text(
            json.dumps({"evaluations": results, **measuring.machine()}, indent=2) + "\n"
        )


if __name__ == "__main__":
    main()
