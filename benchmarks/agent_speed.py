"""Measures the cost of training and of acting: train steps per second, latency of one action.

Usage: python benchmarks/agent_speed.py [--seconds=10] [--out=speed.json] [GIN_FILES ...]

Each argument is a composition TASK.gin+METHOD.gin; the default is every method on the 2-D particle.
Training reads 40 demonstrations from memory and stops before it converges. Acting takes one
observation at a time, as on a robot. The table also gives the costs relative to the MSE baseline in
the same run. The float32 matmul rate of the same run indicates the speed and the load of the
machine.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import tempfile
import time

import measuring  # sets the search path; must precede imports of the project
import numpy as np
import outputs
import tensorflow as tf
from tf_agents.train import learner as learner_lib
from tf_agents.trajectories import time_step as ts

from data import InMemorySource
from ibc_agents.cli import gin_files
from ibc_agents.runs import experiment as experiment_lib

_METHODS = ("recipes/particle", "methods/ibc_derivative_free", "methods/ibc_autoregressive",
            "methods/ibc_langevin", "paper/particle_langevin", "methods/mse", "methods/mdn",
            "methods/nearest_neighbor")  # fmt: skip
_DEFAULT = tuple(f"gin_configs/tasks/particle.gin+gin_configs/{name}.gin" for name in _METHODS)
_BASELINE = "gin_configs/tasks/particle.gin+gin_configs/methods/mse.gin"
_BINDINGS = ("DemonstrationSettings.num_episodes = 40",)


def measure(files: str, seconds: float, bindings: tuple[str, ...] = ()) -> dict[str, float]:
    """Returns train steps per second and the latency of an action in milliseconds.

    Args:
        files: Gin files of a run, joined by plus signs.
        seconds: Duration of each of the two measurements.
        bindings: Gin bindings that override the files.
    """
    import gin

    gin.clear_config()
    gin_files.parse_gin(files.split("+"), [*_BINDINGS, *bindings])
    with tempfile.TemporaryDirectory() as folder:
        experiment = experiment_lib.Experiment.from_gin(f"{folder}/run", f"{folder}/data")
        demonstrations = experiment.open_demonstrations()
        agent = experiment.make_agent(demonstrations)
        source = InMemorySource()
        source.load(demonstrations.train, demonstrations.spec)
        dataset = source.dataset(agent.train_sequence_length, experiment.training.batch_size, 0)
        learner = learner_lib.Learner(
            f"{folder}/learner",
            agent.train_step_counter,
            agent,
            lambda: dataset,
            checkpoint_interval=10**9,
            summary_interval=10**6,
        )
        steps = measuring.rate(lambda: learner.run(5), 5, seconds)["per_second"]
        latencies = action_latencies(agent.policy, demonstrations, seconds)
    return {
        "train_steps_per_second": steps,
        "action_median_ms": 1e3 * float(np.median(latencies)),
        "action_99th_percentile_ms": 1e3 * float(np.percentile(latencies, 99)),
        "actions": len(latencies),
    }


def action_latencies(policy, demonstrations, seconds: float) -> list[float]:
    """Returns the latencies of single actions in seconds."""
    frames = next(iter(demonstrations.train)).frames
    observation = tf.nest.map_structure(lambda leaf: tf.constant(leaf[:1]), frames.observation)
    time_step = ts.restart(observation, batch_size=1)
    action = tf.function(policy.action)
    state = action(time_step, policy.get_initial_state(1)).state
    latencies, start = [], time.perf_counter()
    while time.perf_counter() - start < seconds or len(latencies) < 20:
        action_start = time.perf_counter()
        step = action(time_step, state)
        tf.nest.map_structure(lambda leaf: leaf.numpy(), step.action)
        latencies.append(time.perf_counter() - action_start)
        state = step.state
    return latencies


def print_table(results: dict[str, dict[str, float]]) -> None:
    """Prints a Markdown table, with costs relative to the baseline if it was measured."""
    print(
        "| | train steps/s | relative to MSE | one action, median | relative to MSE "
        "| 99th percentile |"
    )
    print("|---|---|---|---|---|---|")
    baseline = results.get(_BASELINE)
    for name, row in results.items():
        training = acting = "–"
        if baseline:
            steps, latency = "train_steps_per_second", "action_median_ms"
            training = f"{baseline[steps] / row[steps]:.1f}"
            acting = f"{row[latency] / baseline[latency]:.1f}"
        print(
            f"| `{pathlib.Path(name).name}` | {row['train_steps_per_second']:.1f} | {training} "
            f"| {row['action_median_ms']:.1f} ms | {acting} "
            f"| {row['action_99th_percentile_ms']:.1f} ms |"
        )


def main() -> None:
    """Measures, prints a table and writes the results to --out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("gin_files", nargs="*", default=_DEFAULT, metavar="GIN_FILES")
    parser.add_argument("--seconds", type=float, default=10.0, help="duration of each measurement")
    parser.add_argument("--out", type=outputs.output_file, help="JSON file of the results")
    arguments = parser.parse_args()
    results = {name: measure(name, arguments.seconds) for name in arguments.gin_files}
    matmul = measuring.matmul_flops(arguments.seconds / 3)["per_second"]
    print_table(results)
    print(f"float32 matmul in the same run: {matmul / 1e9:.0f} GFLOP/s")
    if arguments.out:
        content = {"agents": results, "float32_matmul_flops": matmul, **measuring.machine()}
        arguments.out.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
