"""Draws the images of a Push-T dataset of states, for the task push_t_pixels.

Usage: python benchmarks/push_t_images.py --dataset=FOLDER --out=FOLDER

The published images of all 206 demonstrations are a download of 0.4 GB; ours differ from them in
4 % of the pixels (benchmarks/push_t_replay.py).
"""

from __future__ import annotations

import argparse
import pathlib
from collections.abc import Iterator

import measuring  # noqa: F401  sets the search path; must precede imports of the project
import numpy as np

import data
from data.formats import importing
from environments.push_t import geometry, rendering

_SIZE = 96  # pixels


def main() -> None:
    """Writes the dataset."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    origin = {"source": arguments.dataset.name, "source_format": "Push-T states, drawn"}
    total = data.read_manifest(arguments.dataset).num_episodes
    importing.write_imported(arguments.out, _draw(arguments.dataset), total, origin)


def _draw(dataset: pathlib.Path) -> Iterator[data.Episode]:
    for episode in data.read_episodes(dataset):
        observation = episode.frames.observation
        states = zip(observation["agent_pos"], observation["block_pose"], strict=True)
        images = [
            rendering.draw(disc, geometry.Pose(*map(float, pose)), _SIZE) for disc, pose in states
        ]
        pixels = {"agent_pos": observation["agent_pos"], "image": np.stack(images)}
        yield data.Episode(episode.frames._replace(observation=pixels))


if __name__ == "__main__":
    main()
