"""How far a scene follows episodes that were recorded elsewhere, in another simulation say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from environments.block_pushing.scene import Layout, Pose, Scene


class Errors(NamedTuple):
    """What is between a scene and the recorded frames 1 … L - 1.

    Attributes:
        effector: float64 [L - 1], metres.
        blocks: float64 [L - 1, K], from centre to centre, metres.
        yaws: float64 [L - 1, K], how far a block is turned from the other, radians in [0, pi].
    """

    effector: np.ndarray
    blocks: np.ndarray
    yaws: np.ndarray


def follow(
    scene: Scene, observations: Mapping[str, np.ndarray], actions: np.ndarray, one_step: bool
) -> Errors:
    """Executes an episode's actions and compares where they lead with what was recorded.

    Args:
        scene: with the blocks and zones that were recorded.
        observations: of L frames, [L, ...], as `BlockPushingEnvironment` observes.
        actions: float [L, 2], metres; the last one was never executed.
        one_step: True places the scene anew at every recorded frame; False only at the first, and
            all that follows is open loop.
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
    """Puts a scene where an observation says, at rest and upright, for more is not observed."""
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
    turns = [abs(block.yaw - other.yaw) for block, other in pairs]
    return (
        np.linalg.norm(scene.effector - observation["effector_translation"]),
        [np.linalg.norm(block.position - other.position) for block, other in pairs],
        [min(turn, 2 * np.pi - turn) for turn in turns],
    )
