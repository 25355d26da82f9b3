"""The plane of Push-T: poses, the shape of the block, its keypoints and its overlap."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import shapely

SIZE = 512  # pixels, width and height of the plane; y points down
DISC_RADIUS = 15  # pixels
# The inner edges of the walls are 2 pixels from these lines.
WALL_LOW, WALL_HIGH, WALL_RADIUS = 5, 506, 2

# Corners of the two bars of the block in its own frame, in pixels.
BARS = np.array(
    [
        [(-60, 30), (60, 30), (60, 0), (-60, 0)],
        [(-15, 30), (-15, 120), (15, 120), (15, 30)],
    ],
    np.float64,
)
OUTLINE = np.array(
    [(-60, 0), (60, 0), (60, 30), (15, 30), (15, 120), (-15, 120), (-15, 30), (-60, 30)], np.float64
)
# Points of the block whose positions the published data contain, in pixels.
KEYPOINTS = np.array(
    [
        (9.27, 90.04),
        (-60.98, -1.19),
        (60.91, -1.39),
        (-0.27, 25.54),
        (-14.06, 122.82),
        (39.00, 32.86),
        (-39.97, 32.73),
        (-16.82, 62.86),
        (23.54, -1.70),
    ]
)


class Pose(NamedTuple):
    """The pose of the block.

    Attributes:
        x: Position of the middle of the upper edge, in pixels.
        y: Position of the middle of the upper edge, in pixels.
        angle: Rotation in radians.
    """

    x: float
    y: float
    angle: float

    def transform(self, points: np.ndarray) -> np.ndarray:
        """Returns points of the block ``[..., 2]`` in the plane, in pixels."""
        cosine, sine = np.cos(self.angle), np.sin(self.angle)
        return points @ np.array([[cosine, sine], [-sine, cosine]]) + (self.x, self.y)


TARGET = Pose(256.0, 256.0, np.pi / 4)
_TARGET_POLYGON = shapely.Polygon(TARGET.transform(OUTLINE))


def overlap(pose: Pose) -> float:
    """Returns the fraction of the target that the block covers, in [0, 1]."""
    block = shapely.Polygon(pose.transform(OUTLINE))
    return block.intersection(_TARGET_POLYGON).area / _TARGET_POLYGON.area
