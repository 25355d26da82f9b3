"""What lies on the table: blocks to push, zones to push them to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pybullet

Color = tuple[float, float, float, float]
# Adds something to a client and returns its body.
Body = Callable[[Any], int]

RED: Color = (0.9, 0.1, 0.1, 1.0)
BLUE: Color = (0.1, 0.3, 0.9, 1.0)
GREEN: Color = (0.1, 0.9, 0.1, 1.0)
YELLOW: Color = (0.95, 0.75, 0.05, 1.0)

BLOCK_SIDE = 0.04  # m
_BLOCK_MASS = 0.01  # kg
_BLOCK_FRICTION = 1.0
_ZONE_SIDE = 0.1
_LINE = 0.008  # width of a zone's outline


def block(color: Color) -> Body:
    """A cube of 4 cm and 10 g."""

    def add(client: Any) -> int:
        half = [BLOCK_SIDE / 2] * 3
        body = client.createMultiBody(
            _BLOCK_MASS,
            client.createCollisionShape(pybullet.GEOM_BOX, halfExtents=half),
            client.createVisualShape(pybullet.GEOM_BOX, halfExtents=half, rgbaColor=color),
        )
        client.changeDynamics(body, -1, lateralFriction=_BLOCK_FRICTION)
        return body

    return add


def zone(color: Color) -> Body:
    """The outline of a square on the table; nothing collides with it."""
    side, half = (_ZONE_SIDE - _LINE) / 2, _LINE / 2
    boxes = [((sign * side, 0.0), (half, side + half)) for sign in (-1, 1)] + [
        ((0.0, sign * side), (side + half, half)) for sign in (-1, 1)
    ]
    return flat_boxes(boxes, color)


def flat_boxes(
    boxes: Sequence[tuple[tuple[float, float], tuple[float, float]]], color: Color
) -> Body:
    """Boxes lying on the table as one body that is drawn but never touched.

    Args:
        boxes: centre and half sides of each, metres.
        color: of all.
    """

    def add(client: Any) -> int:
        shape = client.createVisualShapeArray(
            shapeTypes=[pybullet.GEOM_BOX] * len(boxes),
            halfExtents=[[*half, 0.0005] for _, half in boxes],
            visualFramePositions=[[*centre, 0.0005] for centre, _ in boxes],
            rgbaColors=[color] * len(boxes),
        )
        return client.createMultiBody(0, -1, shape)

    return add
