"""Measures the cost of image encoders relative to the published encoder in float32.

Usage: python benchmarks/pixel_speed.py [--batch_size=16] [--seconds=3] [--out=speed.json]

The cost is the CPU time, summed over cores, of a forward and backward pass on random 90 × 120
images with two frames per observation. The table also has random shifts, and gathering a batch of
windows in memory. bfloat16 is many times slower than float32 on processors without bfloat16
instructions, and is measured on the smallest encoder only.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable

import measuring  # sets the search path; must precede imports of the project
import numpy as np
import outputs
import tensorflow as tf
from tf_agents.trajectories import trajectory

import data
from ibc_agents import networks

_SIZE, _WINDOW = (90, 120), 2
_EPISODES, _FRAMES = 20, 51
_PUBLISHED = "published: 4 × [convolution, max-pool], mean"

Layers = list[tf.keras.layers.Layer]


def strided(channels: tuple[int, ...] = (8, 16, 32), dtype: str = "float32") -> Layers:
    """Returns strided convolutions and a spatial soft-argmax."""
    return [networks.ConvStrided(channels, dtype=dtype), networks.SpatialSoftArgmax(0.1)]


ENCODERS: dict[str, Callable[[], Layers]] = {
    _PUBLISHED: lambda: [networks.ConvMaxPool(), networks.GlobalAveragePooling()],
    "residual 16, 32, soft-argmax": lambda: [
        networks.ConvResNet((16, 32), (2, 2)),
        networks.SpatialSoftArgmax(0.1),
    ],
    "strided 16, 32, 32, soft-argmax": lambda: strided((16, 32, 32)),
    "strided 8, 16, 32, soft-argmax": strided,
    "the same, coordinates added": lambda: [networks.CoordConv(), *strided()],
    "the same, images centered": lambda: [networks.ImageCentering(), *strided()],
    "the same, random shifts": lambda: [networks.RandomShift(), *strided()],
    "the same, bfloat16": lambda: strided(dtype="mixed_bfloat16"),
}


def pass_seconds(layers: Layers, batch_size: int, seconds: float) -> float:
    """Returns the CPU-seconds of a forward and backward pass on a batch."""
    shape = [batch_size, _WINDOW, *_SIZE, 3]
    images = tf.constant(np.random.default_rng(0).integers(0, 256, shape), tf.uint8)
    encoder = networks.PixelEncoder(layers)
    encoder(images)

    @tf.function
    def step() -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(encoder(images, training=True) ** 2)
        return tape.gradient(loss, encoder.trainable_variables)

    return 1.0 / measuring.rate(lambda: step()[-1].numpy(), 1, seconds)["per_cpu_second"]


def batch_seconds(batch_size: int, seconds: float) -> float:
    """Returns the CPU-seconds of gathering a batch of image windows in memory."""
    generator = np.random.default_rng(0)
    step_type = np.ones(_FRAMES, np.int32)
    step_type[0], step_type[-1] = 0, 2
    episode = data.Episode(
        trajectory.Trajectory(
            step_type=step_type,
            observation=generator.integers(0, 256, (_FRAMES, *_SIZE, 3), np.uint8),
            action=generator.random((_FRAMES, 2), np.float32),
            policy_info=(),
            next_step_type=np.roll(step_type, -1),
            reward=np.zeros(_FRAMES, np.float32),
            discount=np.ones(_FRAMES, np.float32),
        )
    )
    spec = tf.nest.map_structure(
        lambda leaf: tf.TensorSpec(leaf.shape[1:], leaf.dtype), episode.frames
    )
    source = data.InMemorySource()
    source.load([episode] * _EPISODES, spec)
    iterator = iter(source.dataset(_WINDOW, batch_size, seed=0))
    return 1.0 / measuring.rate(lambda: next(iterator), 1, seconds)["per_cpu_second"]


def main() -> None:
    """Measures, prints a table and writes the results to --out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch_size", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=3.0, help="duration of each measurement")
    parser.add_argument("--out", type=outputs.output_file, help="JSON file of the results")
    arguments = parser.parse_args()
    sizes = (arguments.batch_size, arguments.seconds)
    results = {name: pass_seconds(make(), *sizes) for name, make in ENCODERS.items()}
    results["a batch of windows from memory"] = batch_seconds(*sizes)
    print(f"{'':46}{'CPU ms':>10}{'× published':>14}")
    for name, cost in results.items():
        print(f"{name:46}{1e3 * cost:10.1f}{cost / results[_PUBLISHED]:14.3f}")
    flops = measuring.matmul_flops(arguments.seconds)["per_cpu_second"]
    print(f"float32 matmul in the same run: {flops / 1e9:.0f} GFLOP per CPU-second")
    if arguments.out:
        content = {
            "cpu_seconds": results,
            "batch_size": arguments.batch_size,
            "float32_matmul_flops_per_cpu_second": flops,
            **measuring.machine(),
        }
        arguments.out.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
