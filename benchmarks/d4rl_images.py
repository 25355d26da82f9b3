"""Makes the images of docs/d4rl.md.

Usage: python benchmarks/d4rl_images.py [--demonstrations=FOLDER [--runs=FOLDER
           [--method=mse] [--seed=0]]]

Every task gets an image of an initial state. If --demonstrations has the D4RL dataset of a task
(`door-human-v0`, …), the task also gets a strip of its first demonstration, whose actions are
executed in this simulation. If --runs has a run of `d4rl_results.py`, the task also gets a video
with the demonstration on the left and a rollout of the policy from the same initial state on the
right. The rollout has at least as many steps as the demonstration. D4RL split the demonstrations of
the hand at the time limit; the parts are concatenated.
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
_VIDEO_FRAMES = 60
_FRAMES_PER_SECOND = 12
TASKS = (
    d4rl.PenEnvironment,
    d4rl.HammerEnvironment,
    d4rl.DoorEnvironment,
    d4rl.RelocateEnvironment,
    d4rl.KitchenCompleteEnvironment,
)


def initial_state(task: type[d4rl.D4RLEnvironment]) -> np.ndarray:
    """Returns an image of an initial state."""
    environment = task()
    environment.seed(0)
    environment.reset()
    image = environment.render()
    environment.close()
    return image


def with_horizon(task: type[d4rl.D4RLEnvironment], num_steps: int) -> d4rl.D4RLEnvironment:
    """Returns an environment whose episodes have at most `num_steps` steps."""
    environment = type("WithHorizon", (task,), {"max_episode_steps": num_steps})()
    environment.seed(0)
    return environment


def demonstration(
    task: type[d4rl.D4RLEnvironment], observations: np.ndarray, actions: np.ndarray
) -> list[np.ndarray]:
    """Returns an image of every step of a demonstration."""
    environment = with_horizon(task, len(actions) + 1)
    environment.reset_to(observations[0])
    images = [environment.render()]
    for observation, action in zip(observations, actions, strict=True):
        if isinstance(environment, d4rl.KitchenEnvironment):
            environment.observed_joints = observation[:9]
        last = environment.step(action).is_last()
        images.append(environment.render())
        if last:
            break
    environment.close()
    return images


def rollout(
    task: type[d4rl.D4RLEnvironment],
    observation: np.ndarray,
    num_steps: int,
    root_dir: pathlib.Path,
) -> list[np.ndarray]:
    """Returns an image of every step of a rollout of a run's policy."""
    policy = tf.saved_model.load(str(root_dir / run_directory.POLICY))
    state = policy.get_initial_state(1)
    environment = with_horizon(task, num_steps)
    time_step = environment.reset_to(observation)
    images = [environment.render()]
    while not time_step.is_last():
        batch = tf.nest.map_structure(tf.constant, nest_utils.batch_nested_array(time_step))
        step = policy.action(batch, state)
        state = step.state
        time_step = environment.step(step.action.numpy()[0])
        images.append(environment.render())
    environment.close()
    return images


def first_episode(folder: pathlib.Path) -> list[np.ndarray]:
    """Returns the observations and actions of the first complete demonstration."""
    parts = []
    for episode in data.read_episodes(folder):
        parts.append(episode.frames)
        if episode.frames.discount[-1] == 0.0:
            break
    return [
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("observation", "action")
    ]


def row(images: Sequence[np.ndarray]) -> np.ndarray:
    """Returns images side by side, at half their size."""
    joined = np.concatenate(images, axis=1)
    small = tf.image.resize(joined, [joined.shape[0] // 2, joined.shape[1] // 2], method="area")
    return tf.cast(tf.round(small), tf.uint8).numpy()


def evenly(images: Sequence[np.ndarray], number: int) -> list[np.ndarray]:
    """Returns `number` evenly spaced images, including the first and the last."""
    chosen = np.linspace(0, len(images) - 1, number).round().astype(int)
    return [images[index] for index in chosen]


def write_video(name: str, left: Sequence[np.ndarray], right: Sequence[np.ndarray]) -> None:
    """Writes two videos side by side; the shorter one stops at its last frame."""
    length = max(len(left), len(right))
    both = [[*video, *[video[-1]] * (length - len(video))] for video in (left, right)]
    recorder = videos.RolloutRecorder()
    for pair in zip(*(evenly(video, _VIDEO_FRAMES) for video in both), strict=True):
        recorder(0, row(pair))
    recorder.write(_IMAGES / f"{name}.gif", _FRAMES_PER_SECOND)


def write(name: str, image: np.ndarray) -> None:
    """Writes an image."""
    import imageio.v2 as imageio

    imageio.imwrite(_IMAGES / f"{name}.png", image)


def main() -> None:
    """Makes all images and videos."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--demonstrations", type=pathlib.Path, help="folder of D4RL's datasets")
    parser.add_argument("--runs", type=pathlib.Path, help="folder of runs")
    parser.add_argument("--method", default="ibc", help="method of the runs")
    parser.add_argument("--seed", type=int, default=0, help="training seed of the runs")
    arguments = parser.parse_args()
    for task in TASKS:
        write(task.name, row([initial_state(task)]))
        if not arguments.demonstrations or not (arguments.demonstrations / task.dataset).is_dir():
            continue
        observations, actions = first_episode(arguments.demonstrations / task.dataset)
        human = demonstration(task, observations, actions)
        write(f"{task.name}_human", row(evenly(human, _STRIP_FRAMES)))
        run = f"{task.name.removeprefix('d4rl_')}_{arguments.method}_seed{arguments.seed}"
        if arguments.runs and (arguments.runs / run).is_dir():
            num_steps = max(task.max_episode_steps, len(actions))
            policy = rollout(task, observations[0], num_steps, arguments.runs / run)
            write_video(f"{task.name}_{arguments.method}", human, policy)


if __name__ == "__main__":
    main()
