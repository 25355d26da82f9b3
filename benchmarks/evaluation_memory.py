"""Measures the growth of the resident memory by the evaluations during a training.

Usage: python benchmarks/evaluation_memory.py [--evaluations=40] [--episodes=5] [--out=FILE]
       [GIN_FILE]

Each evaluation draws the energy landscape too, and the weights change before it. The policy is
untrained. The first quarter of the evaluations, which fills caches, is not counted.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import gc
import json
import os
import pathlib
import tempfile

import measuring  # sets the search path; must precede imports of the project
import outputs
import tensorflow as tf

from ibc_agents.runs import evaluator, run_directory, validation


def measure(gin_file: str, num_evaluations: int, num_episodes: int) -> list[float]:
    """Returns the resident memory after each evaluation, in MiB."""
    resident = []
    with measuring.experiment(gin_file) as experiment, tempfile.TemporaryDirectory() as folder:
        dataset = experiment.open_demonstrations()
        agent = experiment.make_agent(dataset)
        judged = evaluator.Evaluator(
            run_directory.RunDirectory(folder),
            agent.policy,
            experiment.task.evaluation_environment,
            dataclasses.replace(experiment.evaluation, interval_episodes=num_episodes),
            validation.HeldOutLandscape.from_dataset(agent, dataset),
        )
        with contextlib.closing(judged):
            for step in range(num_evaluations):
                for variable in agent.policy.variables():
                    if variable.trainable:
                        variable.assign_add(tf.random.normal(variable.shape, stddev=1e-3))
                judged.evaluate_during_training(step)
                gc.collect()
                resident.append(_resident_mib())
    return resident


def _resident_mib() -> float:
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    """Measures, prints one line and writes the results to --out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("gin_file", nargs="?", default="gin_configs/particle.gin")
    parser.add_argument("--evaluations", type=int, default=40)
    parser.add_argument("--episodes", type=int, default=5)
    parser.add_argument("--out", type=outputs.output_file, help="JSON file of the results")
    arguments = parser.parse_args()
    resident = measure(arguments.gin_file, arguments.evaluations, arguments.episodes)
    counted = resident[len(resident) // 4 :]
    growth = (counted[-1] - counted[0]) / (len(counted) - 1)
    print(
        f"{arguments.gin_file}: {growth:.3f} MiB per evaluation, from {counted[0]:.1f} to "
        f"{counted[-1]:.1f} MiB over {len(counted)} evaluations"
    )
    if arguments.out:
        content = {"growth_mib": growth, "resident_mib": resident, **measuring.machine()}
        arguments.out.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
