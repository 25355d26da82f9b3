"""Makes the images of docs/block_pushing.md from the runs of pushing_results.py.

Usage: python benchmarks/pushing_images.py

The images are strips of demonstrations, a GIF of a rollout, and the energy at selected frames of
rollouts.
"""

from __future__ import annotations

import checkout
import measuring  # noqa: F401  imported first: it silences the libraries
import numpy as np
import tensorflow as tf

_IMAGES = checkout.ROOT / "docs" / "images"
_STRIP_FRAMES = 6
_STRIP_TASKS = (
    "pushing_states",
    "pushing_reach",
    "pushing_discontinuous",
    "pushing_multimodal",
    "pushing_insert",
)
# Run, episode of evaluation seed 0, frame. The page describes each moment.
_MOMENTS = {
    "choice": ("multimodal_ibc_derivative_free_seed0", 19, 0),
    "push": ("states_dfo_seed0", 0, 14),
}


def strip(task: str) -> None:
    """Draws a demonstration as a row of images, evenly spaced in time."""
    import gin
    import imageio.v2 as imageio

    from environments import base
    from ibc_agents.cli import gin_files
    from ibc_agents.rollouts import actors, episode_loop, recorders, rollout_seeds
    from ibc_agents.runs import task as task_lib

    gin.clear_config()
    gin_files.parse_gin([f"gin_configs/tasks/{task}.gin"], [])
    settings = task_lib.Task()
    environment = base.vectorize(settings.environment, 1)
    images: list[np.ndarray] = []
    episode_loop.run_episodes(
        environment,
        actors.DemonstratorActor(settings.demonstrator(environment)),
        [rollout_seeds.RolloutSeeds(environment=0, actor=np.zeros(2, np.int32))],
        [recorders.ImageRecorder({0: 0}, lambda _, image: images.append(image))],
    )
    environment.close()
    chosen = np.linspace(0, len(images) - 1, _STRIP_FRAMES).round().astype(int)
    row = np.concatenate([images[index] for index in chosen], axis=1)
    small = tf.image.resize(row, [row.shape[0] // 2, row.shape[1] // 2], method="area")
    imageio.imwrite(_IMAGES / f"{task}.png", tf.cast(tf.round(small), tf.uint8).numpy())


def moment(name: str) -> None:
    """Plots the energy at one frame of a rollout."""
    run, episode, frame = _MOMENTS[name]
    checkout.run_command(
        "ibc_agents.plot_energy",
        f"--policy={checkout.ROOT / 'runs' / 'pushing' / run}",
        "--rollout",
        f"--episode={episode}",
        f"--frame={frame}",
        f"--out={_IMAGES / f'pushing_energy_{name}.png'}",
    )


def main() -> None:
    """Makes all images."""
    for task in _STRIP_TASKS:
        strip(task)
    for name in _MOMENTS:
        moment(name)
    checkout.run_command(
        "ibc_agents.evaluate",
        f"--policy={checkout.ROOT / 'runs' / 'pushing' / 'multimodal_ibc_derivative_free_seed0'}",
        "--episodes=2",
        f"--video={_IMAGES / 'pushing_rollout.gif'}",
    )


if __name__ == "__main__":
    main()
