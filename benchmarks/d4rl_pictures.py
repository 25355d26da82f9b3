"""Makes the pictures of docs/d4rl.md.

Usage: python benchmarks/d4rl_pictures.py [--demonstrations=FOLDER]

One of where an episode of each task begins. Where FOLDER has datasets named as D4RL names them
(`door-human-v0`, …), also a strip of the first demonstration of each, its actions executed in our
simulation. D4RL cut demonstrations of the hand at the time limit: pieces are joined again.
"""

from __future__ import annotations

import argparse
import pathlib
from collections.abc import Sequence

import measuring  # noqa: F401  first, for it quietens the libraries
import numpy as np
import tensorflow as tf

import data
from environments import d4rl

_IMAGES = pathlib.Path(__file__).resolve().parent.parent / "docs" / "images"
_STRIP_FRAMES = 6
TASKS = (
    d4rl.PenEnvironment,
    d4rl.HammerEnvironment,
    d4rl.DoorEnvironment,
    d4rl.RelocateEnvironment,
    d4rl.KitchenCompleteEnvironment,
)


def start(task: type[d4rl.D4RLEnvironment]) -> list[np.ndarray]:
    """Returns a picture of where an episode begins."""
    environment = task()
    environment.seed(0)
    environment.reset()
    picture = environment.render()
    environment.close()
    return [picture]


def demonstration(task: type[d4rl.D4RLEnvironment], folder: pathlib.Path) -> list[np.ndarray]:
    """Returns pictures of the first demonstration of a dataset, evenly spaced in time."""
    observations, actions = _first(folder)
    environment = type("Whole", (task,), {"max_episode_steps": len(actions) + 1})()
    environment.seed(0)
    environment.begin_at(observations[0])
    chosen = np.linspace(0, len(actions) - 1, _STRIP_FRAMES).round().astype(int)
    pictures = []
    for frame, (observation, action) in enumerate(zip(observations, actions, strict=True)):
        if frame in chosen:
            pictures.append(environment.render())
        if isinstance(environment, d4rl.KitchenEnvironment):
            environment.seen_joints = observation[:9]
        if environment.step(action).is_last():
            pictures.append(environment.render())
            break
    environment.close()
    return pictures


def _first(folder: pathlib.Path) -> Sequence[np.ndarray]:
    """The observations and actions of the first demonstration, whole."""
    pieces = []
    for episode in data.read_episodes(folder):
        pieces.append(episode.frames)
        if episode.frames.discount[-1] == 0.0:
            break
    return [
        np.concatenate([getattr(piece, name) for piece in pieces])
        for name in ("observation", "action")
    ]


def write(name: str, pictures: Sequence[np.ndarray]) -> None:
    """Writes pictures side by side, at half their size."""
    import imageio.v2 as imageio

    row = np.concatenate(pictures, axis=1)
    small = tf.image.resize(row, [row.shape[0] // 2, row.shape[1] // 2], method="area")
    imageio.imwrite(_IMAGES / f"{name}.png", tf.cast(tf.round(small), tf.uint8).numpy())


def main() -> None:
    """Makes them all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--demonstrations", type=pathlib.Path, help="folder of D4RL's datasets")
    arguments = parser.parse_args()
    for task in TASKS:
        write(task.name, start(task))
        if arguments.demonstrations and (arguments.demonstrations / task.dataset).is_dir():
            pictures = demonstration(task, arguments.demonstrations / task.dataset)
            write(f"{task.name}_human", pictures)


if __name__ == "__main__":
    main()
