"""How long it takes to evaluate a policy on 100 episodes.

Usage: python benchmarks/evaluation_time.py [--episodes=100] [--out=FILE] [GIN_FILE ...]

As the gin files say (by default the particle's default recipe), with an untrained policy: what an
action costs does not depend on the weights, and an episode that fails lasts longest.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import time

import measuring  # sets the search path; must come before the project's own imports

from ibc_agents.rollouts import evaluation


def measure(gin_file: str, num_episodes: int) -> dict[str, float]:
    """Returns seconds and CPU-seconds, of everything from the environments' making to the end."""
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
    """Measures, prints a line a file and writes it where --out says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "gin_files", nargs="*", default=("gin_configs/particle.gin",), metavar="GIN_FILE"
    )
    parser.add_argument("--episodes", type=int, default=100)
    parser.add_argument("--out", type=pathlib.Path, help="JSON file for the numbers")
    arguments = parser.parse_args()
    results = {name: measure(name, arguments.episodes) for name in arguments.gin_files}
    for name, row in results.items():
        print(
            f"{name}: {arguments.episodes} episodes of {row['steps']} steps together in "
            f"{row['seconds']:.1f} s, {row['cpu_seconds']:.1f} CPU-seconds"
        )
    if arguments.out:
        arguments.out.write_text(
            json.dumps({"evaluations": results, **measuring.machine()}, indent=2) + "\n"
        )


if __name__ == "__main__":
    main()
