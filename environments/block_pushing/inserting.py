"""A controller that pushes a cube into a slot with a cylinder, a function of poses."""

from __future__ import annotations

import numpy as np

from environments.block_pushing import bodies, pushing

# Distances in m, angles in rad, speeds in m per step of 0.1 s.
_HALF = bodies.BLOCK_SIDE / 2
# Distance of the centers of block and effector in contact. PyBullet's collision margin is 1 mm.
_CONTACT = _HALF + 0.007
_SPEED = 0.006
_SPEED_INSIDE = 0.004

# Distance of the block's center from its goal: with the front of the block in the opening, during
# alignment, and at the start of the approach.
_INSERTED_DEPTH = bodies.BLOCK_SIDE - 0.0015
_ALIGNMENT_DEPTH = 0.064
_APPROACH_DEPTH = 0.15

# Maximum lateral offset of the block's front and maximum yaw error: in the opening, at the start of
# the alignment, and at its end, where a block that is being pushed in has the larger limits.
_OPENING_LIMITS = (0.0015, 0.09)
_ALIGNMENT_LIMITS = (0.012, 0.25)
_ALIGNED_LIMITS, _INSERTION_LIMITS = (0.0002, 0.01), (0.0004, 0.02)
# Lateral offset at which a new attempt starts. The effector fits between the block and the slot.
_RETRY_OFFSET = 0.095

# Effective lever arm of the friction about the block's center (measured in PyBullet, whose contacts
# are at the corners). The point _LOOKAHEAD in front of the center therefore moves in the direction
# of the heading, independent of the rotation.
_FRICTION_ARM = 0.024
_LOOKAHEAD = _FRICTION_ARM**2 / _HALF
# Gains of critical damping. The offset decreases by a factor of e every 15 mm.
_OFFSET_GAIN, _COURSE_GAIN = 67.0**2, 2 * 67.0
_MAX_CURVATURE = 20.0  # rad/m
_ROLLING = 0.007  # m/rad, the shift of the contact along the face under rotation
_ROTATION_ARM = 0.012  # offset from the center of the face of a push that rotates the block


def insert(
    effector: np.ndarray,
    block: np.ndarray,
    block_yaw: float,
    slot: np.ndarray,
    slot_yaw: float,
) -> np.ndarray:
    """Computes the next step of the effector to push a block into a slot.

    The controller pushes the block in front of the opening and steers it to the slot's axis by
    pushes at its back, as a vehicle with rear-wheel steering. Friction leaves errors of a few
    degrees and millimeters, so single pushes align the block near the opening before it is pushed
    in. If this fails, the controller pushes the block to the side and tries again.

    Args:
        effector: Float [2], in meters.
        block: Float [2], in meters.
        block_yaw: Angle in radians.
        slot: Center of the inserted block, float [2], in meters.
        slot_yaw: Angle in radians. The opening faces the y axis of the slot.

    Returns:
        Float64 [2], in meters.
    """
    inward = np.array([np.sin(slot_yaw), -np.cos(slot_yaw)])
    left = np.array([-inward[1], inward[0]])
    depth, offset = (slot - block) @ inward, (block - slot) @ left
    yaw_error = _modulo_right_angle(block_yaw - slot_yaw)
    heading = np.cos(yaw_error) * inward + np.sin(yaw_error) * left
    front_offset = offset + _HALF * np.sin(yaw_error)
    if depth < _INSERTED_DEPTH and _within(front_offset, yaw_error, _OPENING_LIMITS):
        remaining = (slot - _CONTACT * inward - effector) @ inward
        return np.clip(remaining, 0.0, _SPEED_INSIDE) * inward
    if _INSERTED_DEPTH <= depth < _ALIGNMENT_DEPTH and _within(
        front_offset, yaw_error, _ALIGNMENT_LIMITS
    ):
        return _align(effector, block, heading, inward, front_offset, yaw_error)
    max_offset = 0.003 + 0.25 * (depth - bodies.BLOCK_SIDE)
    if depth < _APPROACH_DEPTH + 0.02 and abs(offset) < max_offset:
        return _steer(effector, block, heading, offset, yaw_error)
    if abs(offset) < _RETRY_OFFSET and depth < 0.045 + 0.5 * (_RETRY_OFFSET - abs(offset)):
        retry_offset = np.copysign(_RETRY_OFFSET + 0.04, offset)
        goal = slot - (depth + 0.03) * inward + retry_offset * left
        return pushing.push(effector, block, goal)
    return pushing.push(effector, block, slot - _APPROACH_DEPTH * inward)


def _steer(effector, block, heading, offset, yaw_error):
    """Pushes a block forward and steers it to the slot's axis."""
    # From this contact, rolling ends at the center of the face.
    approach = _approach(effector, block, heading, -_ROLLING * yaw_error)
    if approach is not None:
        return approach
    right = _right_of(heading)
    contact_offset = (effector - block) @ right
    # A force off the center also moves the block sideways.
    course = yaw_error + contact_offset / _HALF
    lookahead_offset = offset + _LOOKAHEAD * np.sin(yaw_error)
    curvature = np.clip(
        -_OFFSET_GAIN * lookahead_offset - _COURSE_GAIN * course, -_MAX_CURVATURE, _MAX_CURVATURE
    )
    # The contact sticks, so that a sideways motion of the effector rotates the block.
    squared_arms = _FRICTION_ARM**2 + _HALF**2 + contact_offset**2
    sideways = (curvature * squared_arms - contact_offset) / _HALF
    step = heading + sideways * right
    return _SPEED * step / max(1.0, float(np.linalg.norm(step)))


def _align(effector, block, heading, inward, front_offset, yaw_error):
    """Aligns a block in front of the opening and pushes it in."""
    relative = effector - block
    is_behind = abs(relative @ inward + _CONTACT) < 0.002
    is_inserting = is_behind and abs(relative @ _right_of(inward)) < 0.004
    limits = _INSERTION_LIMITS if is_inserting else _ALIGNED_LIMITS
    if _within(front_offset, yaw_error, limits):
        direction, contact_offset, step = inward, 0.0, _SPEED_INSIDE
    elif abs(yaw_error) > limits[1]:
        direction, contact_offset = heading, -np.copysign(_ROTATION_ARM, yaw_error)
        lever = (_FRICTION_ARM**2 + _HALF**2 + _ROTATION_ARM**2) / _ROTATION_ARM
        step = min(abs(yaw_error) * lever, _SPEED)
    else:
        direction = np.copysign(1.0, front_offset) * _right_of(inward)
        contact_offset, step = 0.0, min(abs(front_offset), _SPEED)
    approach = _approach(effector, block, direction, contact_offset)
    return step * direction if approach is None else approach


def _approach(effector, block, direction, contact_offset):
    """Computes a step to the contact point for a push in a direction.

    Args:
        effector: Float [2], in meters.
        block: Float [2], in meters.
        direction: Unit vector, float [2].
        contact_offset: Offset of the contact to the right of the face's center, in meters.

    Returns:
        Float64 [2] in meters, or None if the effector is in contact.
    """
    right = _right_of(direction)
    gap = (block - effector) @ direction - _CONTACT
    error = (effector - block) @ right - contact_offset
    if gap < -0.004 or abs(error) > 0.01 + 0.5 * max(gap, 0.0):
        return pushing.move_effector(effector, block - pushing.BEHIND * direction, [block])
    if gap > 0.0008:
        forward = gap if abs(error) < 0.0005 else gap - 0.004
        return np.clip(forward, -0.01, 0.01) * direction - np.clip(error, -0.01, 0.01) * right
    return -0.005 * direction if abs(error) > 0.002 else None


def _right_of(direction: np.ndarray) -> np.ndarray:
    return np.array([direction[1], -direction[0]])


def _within(offset: float, yaw_error: float, limits: tuple[float, float]) -> bool:
    return abs(offset) < limits[0] and abs(yaw_error) < limits[1]


def _modulo_right_angle(angle: float) -> float:
    """Computes the difference to the nearest multiple of pi/2, in [-pi/4, pi/4]."""
    return float((angle + np.pi / 4) % (np.pi / 2) - np.pi / 4)
