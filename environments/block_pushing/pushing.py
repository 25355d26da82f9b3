"""How a cylinder pushes a cube to a place: one control law, a function of positions alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# Metres, and metres a step of 0.1 s.
BEHIND = 0.05  # where a push is prepared, from the block's centre
_FREE_SPEED = 0.03
_PUSH_SPEED = 0.0175
_FINAL_SPEED = 0.006
_CLEARANCE = 0.045  # of the effector's centre from a block's, on its way round
_TOUCH = 0.03  # an effector this near may be in contact

# How far effector, block and goal may be from one line, radians: at the place of preparation and in
# contact. The width between the two keeps a push from being broken off as soon as it has begun.
_ALIGNED = 0.1
_LOST = 0.45
_STEERING = 0.8


def move_effector(
    effector: np.ndarray, goal: np.ndarray, obstacles: Sequence[np.ndarray] = ()
) -> np.ndarray:
    """A step of the effector towards a free place, round the blocks in its way: [2], metres."""
    away = goal - effector
    distance = np.linalg.norm(away)
    if distance < 1e-9:
        return np.zeros(2)
    step = away / distance * min(distance, _FREE_SPEED)
    for obstacle in obstacles:
        step = _around(effector, step, away, obstacle)
    return step


def _around(effector, step, away, obstacle):
    """Bends a step so that it keeps its clearance from a block."""
    relative = effector - obstacle
    gap = float(np.linalg.norm(relative))
    nearest = np.clip(-(relative @ away) / (away @ away), 0.0, 1.0)
    passes = float(np.linalg.norm(relative + nearest * away))
    if passes >= _CLEARANCE or nearest == 0.0 and gap >= _CLEARANCE:
        return step
    outward = relative / max(gap, 1e-9)
    side = np.array([-outward[1], outward[0]])
    if side @ away < 0:
        side = -side
    if gap > _CLEARANCE + _FREE_SPEED:
        return step
    radial = np.clip(_CLEARANCE * 1.1 - gap, -_FREE_SPEED, _FREE_SPEED)
    tangential = np.sqrt(max(_FREE_SPEED**2 - radial**2, 0.0))
    return outward * radial + side * tangential


def push(
    effector: np.ndarray, block: np.ndarray, goal: np.ndarray, others: Sequence[np.ndarray] = ()
) -> np.ndarray:
    """The next step of the effector, that a block gets to a goal: [2], metres."""
    to_goal = goal - block
    remaining = float(np.linalg.norm(to_goal))
    direction = to_goal / max(remaining, 1e-9)
    to_block = block - effector
    gap = float(np.linalg.norm(to_block))
    off = _angle(to_block, to_goal)
    nearness = np.clip((BEHIND - gap) / (BEHIND - _TOUCH), 0.0, 1.0)
    if gap > BEHIND + 0.01 or abs(off) > _ALIGNED + nearness * (_LOST - _ALIGNED):
        return move_effector(effector, block - BEHIND * direction, [block, *others])
    speed = min(_PUSH_SPEED, max(0.6 * remaining, _FINAL_SPEED)) if gap <= _TOUCH else _PUSH_SPEED
    heading = np.arctan2(to_block[1], to_block[0]) - _STEERING * off
    return speed * np.array([np.cos(heading), np.sin(heading)])


def _angle(start: np.ndarray, end: np.ndarray) -> float:
    """The angle from one vector to another, in [-pi, pi]."""
    cross = start[0] * end[1] - start[1] * end[0]
    return float(np.arctan2(cross, start @ end))
