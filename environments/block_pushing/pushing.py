"""A controller that pushes a cube to a goal with a cylinder, a function of positions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# Distances in m, speeds in m per step of 0.1 s.
BEHIND = 0.05  # distance from the block's center at which a push is prepared
_FREE_SPEED = 0.03
_PUSH_SPEED = 0.0175
_FINAL_SPEED = 0.006
_CLEARANCE = 0.045  # distance of the effector's center from a block that it passes
_CONTACT = 0.03  # maximum distance of the effector's center from a block in contact

# Maximum angle (rad) between effector-block and block-goal, at the start of a push and in contact.
# The second limit is larger, so that a push is not aborted immediately after it starts.
_START_ANGLE = 0.1
_CONTACT_ANGLE = 0.45
_STEERING_GAIN = 0.8


def move_effector(
    effector: np.ndarray, goal: np.ndarray, obstacles: Sequence[np.ndarray] = ()
) -> np.ndarray:
    """Computes a step of the effector toward a goal that avoids obstacles.

    Args:
        effector: Float [2], in meters.
        goal: Float [2], in meters.
        obstacles: Centers of blocks, float [2] each, in meters.

    Returns:
        Float64 [2], in meters.
    """
    to_goal = goal - effector
    distance = np.linalg.norm(to_goal)
    if distance < 1e-9:
        return np.zeros(2)
    step = to_goal / distance * min(distance, _FREE_SPEED)
    for obstacle in obstacles:
        step = _avoid(effector, step, to_goal, obstacle)
    return step


def _avoid(effector, step, to_goal, obstacle):
    """Deflects a step so that it keeps the clearance from a block."""
    relative = effector - obstacle
    gap = float(np.linalg.norm(relative))
    nearest = np.clip(-(relative @ to_goal) / (to_goal @ to_goal), 0.0, 1.0)
    passing_distance = float(np.linalg.norm(relative + nearest * to_goal))
    if passing_distance >= _CLEARANCE or nearest == 0.0 and gap >= _CLEARANCE:
        return step
    outward = relative / max(gap, 1e-9)
    side = np.array([-outward[1], outward[0]])
    if side @ to_goal < 0:
        side = -side
    if gap > _CLEARANCE + _FREE_SPEED:
        return step
    radial = np.clip(_CLEARANCE * 1.1 - gap, -_FREE_SPEED, _FREE_SPEED)
    tangential = np.sqrt(max(_FREE_SPEED**2 - radial**2, 0.0))
    return outward * radial + side * tangential


def push(
    effector: np.ndarray, block: np.ndarray, goal: np.ndarray, others: Sequence[np.ndarray] = ()
) -> np.ndarray:
    """Computes the next step of the effector to push a block to a goal.

    Args:
        effector: Float [2], in meters.
        block: Float [2], in meters.
        goal: Float [2], in meters.
        others: Centers of blocks to avoid, float [2] each, in meters.

    Returns:
        Float64 [2], in meters.
    """
    to_goal = goal - block
    remaining = float(np.linalg.norm(to_goal))
    direction = to_goal / max(remaining, 1e-9)
    to_block = block - effector
    gap = float(np.linalg.norm(to_block))
    misalignment = _angle(to_block, to_goal)
    nearness = np.clip((BEHIND - gap) / (BEHIND - _CONTACT), 0.0, 1.0)
    max_angle = _START_ANGLE + nearness * (_CONTACT_ANGLE - _START_ANGLE)
    if gap > BEHIND + 0.01 or abs(misalignment) > max_angle:
        return move_effector(effector, block - BEHIND * direction, [block, *others])
    speed = _PUSH_SPEED
    if gap <= _CONTACT:
        speed = min(_PUSH_SPEED, max(0.6 * remaining, _FINAL_SPEED))
    heading = np.arctan2(to_block[1], to_block[0]) - _STEERING_GAIN * misalignment
    return speed * np.array([np.cos(heading), np.sin(heading)])


def _angle(start: np.ndarray, end: np.ndarray) -> float:
    """Computes the angle from one vector to another, in [-pi, pi]."""
    cross = start[0] * end[1] - start[1] * end[0]
    return float(np.arctan2(cross, start @ end))
