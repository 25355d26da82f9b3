"""Makes the pictures of docs/d4rl.md.

Usage: python benchmarks/d4rl_pictures.py [--demonstrations=FOLDER [--runs=FOLDER
           [--method=mse] [--seed=0]]]

One of where an episode of each task begins. Where FOLDER has datasets named as D4RL names them
(`door-human-v0`, …), also a strip of the first demonstration of each, its actions executed in our
simulation; and where there are runs named as d4rl_results.py names them, a film that shows beside
it what the policy of a method does from the same beginning, for no less time than the person took.
D4RL cut demonstrations of the hand at the time limit: pieces are joined again.
"""

from __future__ import annotations

import argparse
import pathlib
from collections.abc import Sequence

import measuring  # noqa: F401  imported first: it silences the libraries
import numpy as np
import tensorflow as tf
from tf_agents.utils import nest_utils

import data
from environments import d4rl
from ibc_agents.runs import run_directory
from ibc_agents.visualization import videos

_IMAGES = pathlib.Path(__file__).resolve().parent.parent / "docs" / "images"
_STRIP_FRAMES = 6
_FILM_FRAMES = 60
_FRAMES_PER_SECOND = 12
TASKS = (
    d4rl.PenEnvironment,
    d4rl.HammerEnvironment,
    d4rl.DoorEnvironment,
    d4rl.RelocateEnvironment,
    d4rl.KitchenCompleteEnvironment,
)


def start(task: type[d4rl.D4RLEnvironment]) -> np.ndarray:
    """Returns a picture of where an episode begins."""
    environment = task()
    environment.seed(0)
    environment.reset()
    picture = environment.render()
    environment.close()
    return picture


def lasting(task: type[d4rl.D4RLEnvironment], num_steps: int) -> d4rl.D4RLEnvironment:
    """Returns an environment whose episodes may have so many steps."""
    environment = type("Lasting", (task,), {"max_episode_steps": num_steps})()
    environment.seed(0)
    return environment


def demonstration(
    task: type[d4rl.D4RLEnvironment], observations: np.ndarray, actions: np.ndarray
) -> list[np.ndarray]:
    """Returns a picture of every step of a demonstration."""
    environment = lasting(task, len(actions) + 1)
    environment.reset_to(observations[0])
    pictures = [environment.render()]
    for observation, action in zip(observations, actions, strict=True):
        if isinstance(environment, d4rl.KitchenEnvironment):
            environment.observed_joints = observation[:9]
        last = environment.step(action).is_last()
        pictures.append(environment.render())
        if last:
            break
    environment.close()
    return pictures


def rollout(
    task: type[d4rl.D4RLEnvironment],
    observation: np.ndarray,
    num_steps: int,
    root_dir: pathlib.Path,
) -> list[np.ndarray]:
    """Returns a picture of every step of a run's policy, begun where a demonstration began."""
    policy = tf.saved_model.load(str(root_dir / run_directory.POLICY))
    state = policy.get_initial_state(1)
    environment = lasting(task, num_steps)
    time_step = environment.reset_to(observation)
    pictures = [environment.render()]
    while not time_step.is_last():
        batch = tf.nest.map_structure(tf.constant, nest_utils.batch_nested_array(time_step))
        step = policy.action(batch, state)
        state = step.state
        time_step = environment.step(step.action.numpy()[0])
        pictures.append(environment.render())
    environment.close()
    return pictures


def first_episode(folder: pathlib.Path) -> list[np.ndarray]:
    """Returns the observations and actions of the first demonstration, whole."""
    pieces = []
    for episode in data.read_episodes(folder):
        pieces.append(episode.frames)
        if episode.frames.discount[-1] == 0.0:
            break
    return [
        np.concatenate([getattr(piece, name) for piece in pieces])
        for name in ("observation", "action")
    ]


def row(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Returns pictures side by side, at half their size."""
    joined = np.concatenate(pictures, axis=1)
    small = tf.image.resize(joined, [joined.shape[0] // 2, joined.shape[1] // 2], method="area")
    return tf.cast(tf.round(small), tf.uint8).numpy()


def evenly(pictures: Sequence[np.ndarray], number: int) -> list[np.ndarray]:
    """Returns so many of the pictures, evenly spaced, the first and the last among them."""
    chosen = np.linspace(0, len(pictures) - 1, number).round().astype(int)
    return [pictures[index] for index in chosen]


def write_film(name: str, left: Sequence[np.ndarray], right: Sequence[np.ndarray]) -> None:
    """Writes two films side by side; the shorter one waits at its end."""
    length = max(len(left), len(right))
    both = [[*film, *[film[-1]] * (length - len(film))] for film in (left, right)]
    recorder = videos.RolloutRecorder()
    for pair in zip(*(evenly(film, _FILM_FRAMES) for film in both), strict=True):
        recorder(0, row(pair))
    recorder.write(_IMAGES / f"{name}.gif", _FRAMES_PER_SECOND)


def write(name: str, picture: np.ndarray) -> None:
    """Writes a picture."""
    import imageio.v2 as imageio

    imageio.imwrite(_IMAGES / f"{name}.png", picture)


def main() -> None:
    """Makes them all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--demonstrations", type=pathlib.Path, help="folder of D4RL's datasets")
    parser.add_argument("--runs", type=pathlib.Path, help="folder of runs")
    parser.add_argument("--method", default="ibc", help="whose runs are shown")
    parser.add_argument("--seed", type=int, default=0, help="of their training")
    arguments = parser.parse_args()
    for task in TASKS:
        write(task.name, row([start(task)]))
        if not arguments.demonstrations or not (arguments.demonstrations / task.dataset).is_dir():
            continue
        observations, actions = first_episode(arguments.demonstrations / task.dataset)
        human = demonstration(task, observations, actions)
        write(f"{task.name}_human", row(evenly(human, _STRIP_FRAMES)))
        run = f"{task.name.removeprefix('d4rl_')}_{arguments.method}_seed{arguments.seed}"
        if arguments.runs and (arguments.runs / run).is_dir():
            num_steps = max(task.max_episode_steps, len(actions))
            policy = rollout(task, observations[0], num_steps, arguments.runs / run)
            write_film(f"{task.name}_{arguments.method}", human, policy)


if __name__ == "__main__":
    main()
