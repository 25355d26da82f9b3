"""Replays episodes of another simulation in a scene and measures the differences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from environments.block_pushing.scene import Layout, Pose, Scene


class Errors(NamedTuple):
    """Differences between a scene and the recorded frames 1 to L - 1.

    Attributes:
        effector: Distances of the effector, float64 [L - 1], in meters.
        blocks: Distances of the block centers, float64 [L - 1, K], in meters.
        yaws: Differences of the block angles, float64 [L - 1, K], in radians in [0, pi].
    """

    effector: np.ndarray
    blocks: np.ndarray
    yaws: np.ndarray


def follow(
    scene: Scene, observations: Mapping[str, np.ndarray], actions: np.ndarray, one_step: bool
) -> Errors:
    """Executes the actions of an episode and compares the result with the recorded frames.

    Args:
        scene: A scene with the recorded blocks and zones.
        observations: L frames, [L, ...], with the keys of `BlockPushingEnvironment`.
        actions: Float [L, 2], in meters. The last action was never executed.
        one_step: Whether to reset the scene to every recorded frame. Otherwise it is reset to the
            first frame, and the replay is open loop.

    Returns:
        The differences.
    """
    frames = [
        {name: values[row] for name, values in observations.items()} for row in range(len(actions))
    ]
    errors = []
    for row, action in enumerate(actions[:-1]):
        if one_step or row == 0:
            place(scene, frames[row])
            set_point = frames[row]["effector_target_translation"]
        set_point = set_point + action
        scene.advance(set_point)
        errors.append(_compare(scene, frames[row + 1]))
    return Errors(*map(np.array, zip(*errors, strict=True)))


def place(scene: Scene, observation: Mapping[str, np.ndarray]) -> None:
    """Resets a scene to an observation.

    Velocities and tilts are not observed, so the blocks are at rest and upright.

    Args:
        scene: The scene to reset.
        observation: One frame with the keys of `BlockPushingEnvironment`.
    """
    layout = Layout(_poses(observation, "block"), _poses(observation, "target"))
    scene.place(layout, observation["effector_translation"])


def _poses(observation: Mapping[str, np.ndarray], kind: str) -> list[Pose]:
    names = [name for name in (kind, f"{kind}2") if f"{name}_translation" in observation]
    return [
        Pose(observation[f"{name}_translation"], float(observation[f"{name}_orientation"][0]))
        for name in names
    ]


def _compare(scene: Scene, observation: Mapping[str, np.ndarray]) -> tuple[Any, list, list]:
    pairs = list(zip(scene.blocks, _poses(observation, "block"), strict=True))
    angles = [abs(block.yaw - other.yaw) for block, other in pairs]
    return (
        np.linalg.norm(scene.effector - observation["effector_translation"]),
        [np.linalg.norm(block.position - other.position) for block, other in pairs],
        [min(angle, 2 * np.pi - angle) for angle in angles],
    )
