"""Measures how long a train step waits for its batch.

Usage: python benchmarks/input_wait.py [--seconds=30] [--out=FILE] [GIN_FILE ...]

Each gin file configures one run; the default is the default recipe on the particle and on block
pushing. The runs have 40 demonstrations, because the cost of a batch does not depend on their
number.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from typing import Any

import measuring  # sets the search path; must precede imports of the project
import outputs
import tensorflow as tf

from ibc_agents import agents
from ibc_agents.runs.training import read_ahead

_GIN_FILES = ("gin_configs/particle.gin", "gin_configs/pushing_states.gin")
# Steps before the measurement: tracing, and filling the buffers.
_WARMUP_STEPS = 20
_STEPS_PER_CALL = 20


def measure(gin_file: str, seconds: float) -> dict[str, float]:
    """Returns the milliseconds per step, and the part of them that waits for a batch."""
    with measuring.experiment(gin_file) as experiment:
        demonstrations = experiment.open_demonstrations()
        agent = experiment.make_agent(demonstrations)
        agent.initialize()
        experiment.source.load(demonstrations.train, demonstrations.spec)
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
    """Takes steps as the train command does: many steps per call, which draws their batches."""

    @tf.function
    def take(num_steps):
        loss, waited, done = tf.zeros([]), tf.zeros([], tf.float64), tf.timestamp()
        for _ in tf.range(num_steps):
            experience, _ = next(batches)
            with tf.control_dependencies(tf.nest.flatten(experience)):
                ready = tf.timestamp()
            waited += ready - done
            # The step starts after the first timestamp and ends when all variables are written.
            with tf.control_dependencies([ready]):
                loss = agent.train(tf.nest.map_structure(tf.identity, experience)).loss
            with tf.control_dependencies([variable.read_value() for variable in agent.variables]):
                done = tf.timestamp()
        return loss, waited

    take(tf.constant(_WARMUP_STEPS))
    waited, steps, start = 0.0, 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        _, waited_now = take(tf.constant(_STEPS_PER_CALL))
        waited += float(waited_now)
        steps += _STEPS_PER_CALL
    total = time.perf_counter() - start
    return {"step_ms": 1e3 * total / steps, "wait_ms": 1e3 * waited / steps}


def main() -> None:
    """Measures, prints a line per file and writes the results to --out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("gin_files", nargs="*", default=_GIN_FILES, metavar="GIN_FILE")
    parser.add_argument("--seconds", type=float, default=30.0, help="duration of each measurement")
    parser.add_argument("--out", type=outputs.output_file, help="JSON file of the results")
    arguments = parser.parse_args()
    results = {name: measure(name, arguments.seconds) for name in arguments.gin_files}
    for name, row in results.items():
        share = row["wait_ms"] / row["step_ms"]
        print(f"{name}: {row['wait_ms']:.2f} of {row['step_ms']:.1f} ms per step, {share:.1%}")
    if arguments.out:
        content = {"steps": results, **measuring.machine()}
        arguments.out.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
