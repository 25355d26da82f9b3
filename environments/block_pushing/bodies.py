"""What lies on the table: blocks to push, zones to push them to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from environments.block_pushing.engine import pybullet

Color = tuple[float, float, float, float]
# Adds something to a client and returns its body.
Body = Callable[[Any], int]

RED: Color = (0.9, 0.1, 0.1, 1.0)
BLUE: Color = (0.1, 0.3, 0.9, 1.0)
GREEN: Color = (0.1, 0.9, 0.1, 1.0)
YELLOW: Color = (0.95, 0.75, 0.05, 1.0)
GREY: Color = (0.4, 0.4, 0.4, 1.0)
DARK: Color = (0.2, 0.2, 0.2, 1.0)

BLOCK_SIDE = 0.04  # m
_BLOCK_MASS = 0.01  # kg
_BLOCK_FRICTION = 1.0
_ZONE_SIDE = 0.1
_ZONE_LINE = 0.008
_FLAT = 0.0005  # half the height of what is drawn on the table

SLOT_WIDTH = 0.041  # between the walls: 1 mm more than the block
_WALL = 0.01  # thickness
_WALL_HEIGHT = 0.03
_WALL_FRICTION = 0.2  # smooth: with 1, a block that is pushed off its middle wedges between them


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

    def add(client: Any) -> int:
        half_sides = (_ZONE_SIDE / 2, _ZONE_SIDE / 2)
        return client.createMultiBody(0, -1, outline(client, half_sides, _ZONE_LINE, color))

    return add


def slot(color: Color) -> Body:
    """Three walls fixed on the table that a block fits between, with 1 mm to spare.

    The origin is where the centre of a block lies that touches the back wall; the side walls are as
    deep as the block. The mouth opens in the direction of y.
    """
    inside, outside = SLOT_WIDTH / 2, SLOT_WIDTH / 2 + _WALL
    back = -BLOCK_SIDE / 2 - _WALL / 2
    walls = [((sign * (inside + _WALL / 2), 0.0), (_WALL / 2, BLOCK_SIDE / 2)) for sign in (-1, 1)]
    walls.append(((0.0, back), (outside, _WALL / 2)))
    half_extents = [[*half, _WALL_HEIGHT / 2] for _, half in walls]
    centres = [[*centre, _WALL_HEIGHT / 2] for centre, _ in walls]

    def add(client: Any) -> int:
        kinds = [pybullet.GEOM_BOX] * len(walls)
        body = client.createMultiBody(
            0,
            client.createCollisionShapeArray(
                shapeTypes=kinds, halfExtents=half_extents, collisionFramePositions=centres
            ),
            client.createVisualShapeArray(
                shapeTypes=kinds,
                halfExtents=half_extents,
                visualFramePositions=centres,
                rgbaColors=[color] * len(walls),
            ),
        )
        client.changeDynamics(body, -1, lateralFriction=_WALL_FRICTION)
        return body

    return add


def outline(
    client: Any,
    half_sides: tuple[float, float],
    line: float,
    color: Color,
    centre: tuple[float, float] = (0.0, 0.0),
) -> int:
    """The visual shape of a rectangle drawn on the table.

    Args:
        client: a `BulletClient`.
        half_sides: from the centre to the outer edge of the line, in x and y, metres.
        line: its width, metres.
        color: of the line.
        centre: from the body's origin, metres.
    """
    (x, y), (half_x, half_y), half = centre, half_sides, line / 2
    boxes = [((x + sign * (half_x - half), y), (half, half_y)) for sign in (-1, 1)] + [
        ((x, y + sign * (half_y - half)), (half_x, half)) for sign in (-1, 1)
    ]
    return client.createVisualShapeArray(
        shapeTypes=[pybullet.GEOM_BOX] * len(boxes),
        halfExtents=[[*half_extents, _FLAT] for _, half_extents in boxes],
        visualFramePositions=[[*position, _FLAT] for position, _ in boxes],
        rgbaColors=[color] * len(boxes),
    )
