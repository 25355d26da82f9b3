"""How much of a train step is waiting for its batch.

Usage: python benchmarks/input_wait.py [--seconds=30] [--out=FILE] [GIN_FILE ...]

Of the runs of the gin files (by default the particle's and the pushing's default recipe), but with
forty demonstrations: what a batch costs does not depend on how many there are.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import time
from collections.abc import Iterator
from typing import Any

import measuring  # sets the search path; must come before the project's own imports
import tensorflow as tf

from ibc_agents import agents
from ibc_agents.runs import read_ahead

_GIN_FILES = ("gin_configs/particle.gin", "gin_configs/pushing_states.gin")
# Taken before the clock runs: tracing, and a first filling of buffers.
_FIRST_STEPS = 20
_STEPS_A_CALL = 20


def measure(gin_file: str, seconds: float) -> dict[str, float]:
    """Returns milliseconds a step, and those of them between the steps, waiting for a batch."""
    with measuring.experiment(gin_file) as experiment:
        opened = experiment.open_demonstrations()
        agent = experiment.make_agent(opened)
        agent.initialize()
        experiment.source.load(opened.train, opened.spec)
        try:
            dataset = experiment.source.dataset(
                agent.train_sequence_length, experiment.training.batch_size, experiment.seed
            )
            return _measure_steps(agent, read_ahead.ReadAhead(iter(dataset)), seconds)
        finally:
            experiment.source.close()


def _measure_steps(
    agent: agents.BehavioralCloningAgent, batches: Iterator[Any], seconds: float
) -> dict[str, float]:
    """Takes steps as the train command does: many a call, and their batches within it."""

    @tf.function
    def take(num_steps):
        loss, waited, done = tf.zeros([]), tf.zeros([], tf.float64), tf.timestamp()
        for _ in tf.range(num_steps):
            experience, _ = next(batches)
            with tf.control_dependencies(tf.nest.flatten(experience)):
                ready = tf.timestamp()
            waited += ready - done
            # Nothing of a step comes before the clock, and it is done when all is written.
            with tf.control_dependencies([ready]):
                loss = agent.train(tf.nest.map_structure(tf.identity, experience)).loss
            with tf.control_dependencies([variable.read_value() for variable in agent.variables]):
                done = tf.timestamp()
        return loss, waited

    take(tf.constant(_FIRST_STEPS))
    waited, steps, started = 0.0, 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        _, waited_now = take(tf.constant(_STEPS_A_CALL))
        waited += float(waited_now)
        steps += _STEPS_A_CALL
    whole = time.perf_counter() - started
    return {"step_ms": 1e3 * whole / steps, "wait_ms": 1e3 * waited / steps}


def main() -> None:
    """Measures, prints a line a file and writes it where --out says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("gin_files", nargs="*", default=_GIN_FILES, metavar="GIN_FILE")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each file's steps")
    parser.add_argument("--out", type=pathlib.Path, help="JSON file for the numbers")
    arguments = parser.parse_args()
    results = {name: measure(name, arguments.seconds) for name in arguments.gin_files}
    for name, row in results.items():
        share = row["wait_ms"] / row["step_ms"]
        print(f"{name}: {row['wait_ms']:.2f} of {row['step_ms']:.1f} ms a step, {share:.1%}")
    if arguments.out:
        content = {"steps": results, **measuring.machine()}
        arguments.out.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
