"""How a cylinder pushes a cube into a slot: one control law, a function of poses alone."""

from __future__ import annotations

import numpy as np

from environments.block_pushing import bodies, pushing

# Metres, radians, and metres a step of 0.1 s.
_HALF = bodies.BLOCK_SIDE / 2
# From the block's centre to the effector's in contact; PyBullet keeps 1 mm round a cylinder.
_CONTACT = _HALF + 0.007
_SPEED = 0.006
_SPEED_INSIDE = 0.004

# How far the block's centre is from its end: when its front is in the mouth, when it is
# straightened, and where it is brought at first.
_INSIDE = bodies.BLOCK_SIDE - 0.0015
_NEAR = 0.064
_RUN_UP = 0.15

# What its front may be off the slot's line, and what it may be turned: in the mouth; to be
# straightened; and straight enough, when it is not being pushed in yet and when it is.
_LEEWAY = (0.0015, 0.09)
_CROOKED = (0.012, 0.25)
_STRAIGHT, _STILL_STRAIGHT = (0.0002, 0.01), (0.0004, 0.02)
# Where it is pushed aside to start again: past the slot, with room for the effector between.
_ASIDE = 0.095

# A block slides as if its friction acted at this distance from its centre (measured; PyBullet has
# it stand on its corners). So the point _AHEAD of the centre moves where the block heads to,
# whichever way it is being turned.
_FRICTION_ARM = 0.024
_AHEAD = _FRICTION_ARM**2 / _HALF
# Critically damped: what is off decreases by a factor of e every 15 mm.
_PER_OFF, _PER_TURNED = 67.0**2, 2 * 67.0
_TIGHTEST = 20.0  # radians a metre
_ROLLING = 0.007  # m a radian, that the contact shifts along the face as that turns
_TURNING_ARM = 0.012  # of a push that turns the block, from the middle of its face


def insert(
    effector: np.ndarray,
    block: np.ndarray,
    block_yaw: float,
    slot: np.ndarray,
    slot_yaw: float,
) -> np.ndarray:
    """The next step of the effector, that a block gets into a slot: [2], metres.

    The block is brought in front of the mouth and steered to the slot's line by pushes at its back,
    as a car is whose rear wheels turn. Near the mouth it is straightened by single pushes, for a
    slide's friction leaves it a few degrees and millimetres off, then pushed in. Where that
    fails it is pushed aside and brought in front once more.

    Args:
        effector: [2].
        block: [2].
        block_yaw: radians.
        slot: [2], where the centre of the seated block is to be.
        slot_yaw: radians; the mouth opens along its y.
    """
    into = np.array([np.sin(slot_yaw), -np.cos(slot_yaw)])
    left = np.array([-into[1], into[0]])
    to_go, off = (slot - block) @ into, (block - slot) @ left
    turned = _to_right_angle(block_yaw - slot_yaw)
    heading = np.cos(turned) * into + np.sin(turned) * left
    front_off = off + _HALF * np.sin(turned)
    if to_go < _INSIDE and _within(front_off, turned, _LEEWAY):
        remaining = (slot - _CONTACT * into - effector) @ into
        return np.clip(remaining, 0.0, _SPEED_INSIDE) * into
    if _INSIDE <= to_go < _NEAR and _within(front_off, turned, _CROOKED):
        return _finish(effector, block, heading, into, front_off, turned)
    if to_go < _RUN_UP + 0.02 and abs(off) < 0.003 + 0.25 * (to_go - bodies.BLOCK_SIDE):
        return _steer(effector, block, heading, off, turned)
    if abs(off) < _ASIDE and to_go < 0.045 + 0.5 * (_ASIDE - abs(off)):
        aside = np.copysign(_ASIDE + 0.04, off)
        return pushing.push(effector, block, slot - (to_go + 0.03) * into + aside * left)
    return pushing.push(effector, block, slot - _RUN_UP * into)


def _steer(effector, block, heading, off, turned):
    """Pushes a block along its heading and bends its way to the line."""
    # From there the contact ends in the middle of the face.
    way = _approach(effector, block, heading, -_ROLLING * turned)
    if way is not None:
        return way
    right = _right_of(heading)
    aside = (effector - block) @ right
    # A force that does not pass the centre moves the block aside too.
    course = turned + aside / _HALF
    ahead = off + _AHEAD * np.sin(turned)
    curvature = np.clip(-_PER_OFF * ahead - _PER_TURNED * course, -_TIGHTEST, _TIGHTEST)
    # The contact sticks: what moves sideways there turns the block.
    sideways = (curvature * (_FRICTION_ARM**2 + _HALF**2 + aside**2) - aside) / _HALF
    step = heading + sideways * right
    return _SPEED * step / max(1.0, float(np.linalg.norm(step)))


def _finish(effector, block, heading, into, front_off, turned):
    """Straightens a block in front of the mouth and pushes it in."""
    relative = effector - block
    pushes = abs(relative @ into + _CONTACT) < 0.002 and abs(relative @ _right_of(into)) < 0.004
    limits = _STILL_STRAIGHT if pushes else _STRAIGHT
    if _within(front_off, turned, limits):
        direction, aside, step = into, 0.0, _SPEED_INSIDE
    elif abs(turned) > limits[1]:
        direction, aside = heading, -np.copysign(_TURNING_ARM, turned)
        lever = (_FRICTION_ARM**2 + _HALF**2 + _TURNING_ARM**2) / _TURNING_ARM
        step = min(abs(turned) * lever, _SPEED)
    else:
        direction = np.copysign(1.0, front_off) * _right_of(into)
        aside, step = 0.0, min(abs(front_off), _SPEED)
    way = _approach(effector, block, direction, aside)
    return step * direction if way is None else way


def _approach(effector, block, direction, aside):
    """A step to where the block's face is touched that a push in a direction meets.

    Args:
        effector: [2].
        block: [2].
        direction: [2], of length 1.
        aside: of the contact, to the right of the middle of the face, metres.

    Returns:
        [2], or None where it is touched.
    """
    right = _right_of(direction)
    gap, misplaced = (block - effector) @ direction - _CONTACT, (effector - block) @ right - aside
    if gap < -0.004 or abs(misplaced) > 0.01 + 0.5 * max(gap, 0.0):
        return pushing.move_effector(effector, block - pushing.BEHIND * direction, [block])
    if gap > 0.0008:
        ahead = gap if abs(misplaced) < 0.0005 else gap - 0.004
        return np.clip(ahead, -0.01, 0.01) * direction - np.clip(misplaced, -0.01, 0.01) * right
    return -0.005 * direction if abs(misplaced) > 0.002 else None


def _right_of(direction: np.ndarray) -> np.ndarray:
    return np.array([direction[1], -direction[0]])


def _within(off: float, turned: float, limits: tuple[float, float]) -> bool:
    return abs(off) < limits[0] and abs(turned) < limits[1]


def _to_right_angle(angle: float) -> float:
    """What an angle is off the nearest multiple of a right one, in [-pi/4, pi/4]."""
    return float((angle + np.pi / 4) % (np.pi / 2) - np.pi / 4)
