"""How fast training data comes: windows per second of both sources, on particle-like data.

Usage: python benchmarks/input_rate.py [--seconds=3] [--out=rates.json]

Batches are drawn inside a graph, as a learner draws them. The float32 matmul rate of the same run
tells how busy and how fast the machine was.
"""

from __future__ import annotations

import argparse
import json
import pathlib

import measuring  # sets the search path; must come before the project's own imports
import numpy as np
import tensorflow as tf
from tf_agents.trajectories import trajectory

import data
from data.sources import reverb_source

_EPISODES, _FRAMES = 1000, 51
_WINDOW, _BATCH = 2, 512
_CALL = 20


def particle_like() -> tuple[list[data.Episode], trajectory.Trajectory]:
    """Random episodes of four observations and an action of two floats each, and their spec."""
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
    """Windows of one source."""
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
    """Measures, prints a table and writes it where --out says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0, help="duration of each measurement")
    parser.add_argument("--out", type=pathlib.Path, help="JSON file for the numbers")
    arguments = parser.parse_args()
    results = {
        "in-memory windows": measure_source(data.InMemorySource(), arguments.seconds),
        "Reverb windows": measure_source(reverb_source.ReverbSource(), arguments.seconds),
        "float32 matmul FLOP": measuring.matmul_flops(arguments.seconds),
    }
    print(f"{'':22}{'a second':>16}{'a CPU-second':>16}")
    for name, measured in results.items():
        print(f"{name:22}{measured['per_second']:16,.0f}{measured['per_cpu_second']:16,.0f}")
    if arguments.out:
        arguments.out.write_text(json.dumps({**results, **measuring.machine()}, indent=2) + "\n")


if __name__ == "__main__":
    main()
