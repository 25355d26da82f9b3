"""Measures the rate of training windows from both sources, on data like the particle's.

Usage: python benchmarks/input_rate.py [--seconds=3] [--out=rates.json]

Batches are drawn inside a graph, as in a learner. The float32 matmul rate of the same run indicates
the speed and the load of the machine.
"""

from __future__ import annotations

import argparse
import json

import measuring  # sets the search path; must precede imports of the project
import numpy as np
import outputs
import tensorflow as tf
from tf_agents.trajectories import trajectory

import data
from data.sources import reverb_source

_EPISODES, _FRAMES = 1000, 51
_WINDOW, _BATCH = 2, 512
_CALL = 20


def particle_like() -> tuple[list[data.Episode], trajectory.Trajectory]:
    """Returns random episodes with the observations and actions of the particle, and their spec."""
    generator = np.random.default_rng(0)
    step_type = np.ones(_FRAMES, np.int32)
    step_type[0], step_type[-1] = 0, 2

    def pairs() -> np.ndarray:
        return generator.random((_FRAMES, 2), np.float32)

    episodes = [
        data.Episode(
            trajectory.Trajectory(
                step_type=step_type,
                observation={name: pairs() for name in ("goal_1", "goal_2", "position", "speed")},
                action=pairs(),
                policy_info=(),
                next_step_type=np.roll(step_type, -1),
                reward=np.zeros(_FRAMES, np.float32),
                discount=np.ones(_FRAMES, np.float32),
            )
        )
        for _ in range(_EPISODES)
    ]
    spec = tf.nest.map_structure(
        lambda leaf: tf.TensorSpec(leaf.shape[1:], leaf.dtype), episodes[0].frames
    )
    return episodes, spec


def measure_source(
    source: data.InMemorySource | reverb_source.ReverbSource, seconds: float
) -> dict:
    """Returns the rate of windows from a source."""
    episodes, spec = particle_like()
    source.load(episodes, spec)
    iterator = iter(source.dataset(_WINDOW, _BATCH, seed=0))

    @tf.function
    def draw() -> tf.Tensor:
        total = tf.constant(0.0)
        for _ in tf.range(_CALL):
            total += next(iterator)[0].action[0, 0, 0]
        return total

    measured = measuring.rate(draw, _CALL * _BATCH, seconds)
    source.close()
    return measured


def main() -> None:
    """Measures, prints a table and writes the results to --out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0, help="duration of each measurement")
    parser.add_argument("--out", type=outputs.output_file, help="JSON file of the results")
    arguments = parser.parse_args()
    results = {
        "windows from memory": measure_source(data.InMemorySource(), arguments.seconds),
        "windows from Reverb": measure_source(reverb_source.ReverbSource(), arguments.seconds),
        "float32_matmul_flops": measuring.matmul_flops(arguments.seconds),
    }
    print(f"{'':22}{'per second':>16}{'per CPU-second':>16}")
    for name, measured in results.items():
        print(f"{name:22}{measured['per_second']:16,.0f}{measured['per_cpu_second']:16,.0f}")
    if arguments.out:
        arguments.out.write_text(json.dumps({**results, **measuring.machine()}, indent=2) + "\n")


if __name__ == "__main__":
    main()
