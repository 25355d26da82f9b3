"""The objects on the table: blocks, zones and slots."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from environments.block_pushing.engine import pybullet

Color = tuple[float, float, float, float]
# Adds an object to a client and returns its body.
Body = Callable[[Any], int]

RED: Color = (0.9, 0.1, 0.1, 1.0)
BLUE: Color = (0.1, 0.3, 0.9, 1.0)
GREEN: Color = (0.1, 0.9, 0.1, 1.0)
YELLOW: Color = (0.95, 0.75, 0.05, 1.0)
GRAY: Color = (0.4, 0.4, 0.4, 1.0)
DARK: Color = (0.2, 0.2, 0.2, 1.0)

BLOCK_SIDE = 0.04  # m
_BLOCK_MASS = 0.01  # kg
_BLOCK_FRICTION = 1.0
_ZONE_SIDE = 0.1  # m
_ZONE_LINE = 0.008  # m, the width of the outline
_FLAT = 0.0005  # m, half the height of outlines on the table

SLOT_WIDTH = 0.041  # m between the walls, 1 mm more than the block
_WALL = 0.01  # m, thickness
_WALL_HEIGHT = 0.03  # m
_WALL_FRICTION = 0.2  # with 1, a block that is pushed off-center wedges between the walls


def block(color: Color) -> Body:
    """Creates a cube of 4 cm and 10 g."""

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
    """Creates the outline of a square on the table, without a collision shape."""

    def add(client: Any) -> int:
        half_sides = (_ZONE_SIDE / 2, _ZONE_SIDE / 2)
        return client.createMultiBody(0, -1, outline(client, half_sides, _ZONE_LINE, color))

    return add


def slot(color: Color) -> Body:
    """Creates three fixed walls around a space that is 1 mm wider than a block.

    The origin is the center of a block that touches the back wall. The side walls are as deep as
    the block. The opening faces the y axis.
    """
    inside, outside = SLOT_WIDTH / 2, SLOT_WIDTH / 2 + _WALL
    back = -BLOCK_SIDE / 2 - _WALL / 2
    walls = [((sign * (inside + _WALL / 2), 0.0), (_WALL / 2, BLOCK_SIDE / 2)) for sign in (-1, 1)]
    walls.append(((0.0, back), (outside, _WALL / 2)))
    half_extents = [[*half, _WALL_HEIGHT / 2] for _, half in walls]
    centers = [[*center, _WALL_HEIGHT / 2] for center, _ in walls]

    def add(client: Any) -> int:
        kinds = [pybullet.GEOM_BOX] * len(walls)
        body = client.createMultiBody(
            0,
            client.createCollisionShapeArray(
                shapeTypes=kinds, halfExtents=half_extents, collisionFramePositions=centers
            ),
            client.createVisualShapeArray(
                shapeTypes=kinds,
                halfExtents=half_extents,
                visualFramePositions=centers,
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
    center: tuple[float, float] = (0.0, 0.0),
) -> int:
    """Creates the visual shape of a rectangle on the table.

    Args:
        client: A `BulletClient`.
        half_sides: Distances from the center to the outer edge of the line in x and y, in meters.
        line: Width of the line, in meters.
        color: Color of the line.
        center: Center of the rectangle relative to the origin of the body, in meters.

    Returns:
        The identifier of the visual shape.
    """
    (x, y), (half_x, half_y), half = center, half_sides, line / 2
    boxes = [((x + sign * (half_x - half), y), (half, half_y)) for sign in (-1, 1)] + [
        ((x, y + sign * (half_y - half)), (half_x, half)) for sign in (-1, 1)
    ]
    return client.createVisualShapeArray(
        shapeTypes=[pybullet.GEOM_BOX] * len(boxes),
        halfExtents=[[*half_extents, _FLAT] for _, half_extents in boxes],
        visualFramePositions=[[*position, _FLAT] for position, _ in boxes],
        rgbaColors=[color] * len(boxes),
    )
