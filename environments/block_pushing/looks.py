"""What the scene looks like, apart from what lies on the table, and the camera that sees it."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

import gin
import numpy as np
import pybullet_data

from environments.block_pushing import bodies
from environments.block_pushing.engine import pybullet

_TABLE_CENTRE = (0.425, 0.0)  # m, of what the effector can be sent to
_TABLE_HALF_SIDES = (0.3, 0.55)


@gin.configurable
@dataclasses.dataclass(frozen=True)
class Look:
    """How table and arm are drawn; physics knows nothing of it.

    Attributes:
        detailed: False: a white table with a grey edge and an arm of boxes. True: the real arm's
            meshes, a dark table and a chequered floor, much as in the published datasets. The plain
            look is drawn many times faster: PyBullet's software renderer takes its time for every
            pixel that is not background, and for long slanted triangles.
    """

    detailed: bool = False

    @property
    def name(self) -> str:
        """A word for the environment's name."""
        return "detailed" if self.detailed else "plain"

    def build(self, client: Any) -> None:
        """Adds what is seen of the table, and the ground under it that blocks slide on."""
        ground = client.createMultiBody(
            0, client.createCollisionShape(pybullet.GEOM_PLANE), self._table(client)
        )
        client.changeDynamics(ground, -1, lateralFriction=1.0)
        if self.detailed:
            floor = pathlib.Path(pybullet_data.getDataPath(), "plane.urdf")
            body = client.loadURDF(str(floor), [0, 0, -0.02])
            client.setCollisionFilterGroupMask(body, -1, 0, 0)

    def _table(self, client: Any) -> int:
        if not self.detailed:
            return bodies.outline(client, _TABLE_HALF_SIDES, 0.01, bodies.GREY, _TABLE_CENTRE)
        return client.createVisualShape(
            pybullet.GEOM_BOX,
            halfExtents=[*_TABLE_HALF_SIDES, 0.005],
            visualFramePosition=[*_TABLE_CENTRE, -0.005],
            rgbaColor=bodies.DARK,
        )


@gin.configurable
@dataclasses.dataclass(frozen=True)
class Camera:
    """A pinhole camera that stands upright. By default the one of the published datasets.

    Attributes:
        position: metres.
        looks_at: a point, metres.
        vertical_field_of_view: degrees.
        name: a word for the environment's name; another camera needs another.
    """

    position: tuple[float, float, float] = (1.0, 0.0, 0.75)
    looks_at: tuple[float, float, float] = (0.25, 0.0, 0.0)
    vertical_field_of_view: float = 50.06
    name: str = "front"

    def picture(self, client: Any, height: int, width: int) -> np.ndarray:
        """Draws a client's scene: uint8 [height, width, 3].

        By PyBullet's software renderer: the same pictures with and without a graphics card.
        """
        pixels = client.getCameraImage(
            width,
            height,
            viewMatrix=client.computeViewMatrix(self.position, self.looks_at, (0, 0, 1)),
            projectionMatrix=client.computeProjectionMatrixFOV(
                self.vertical_field_of_view, width / height, 0.05, 4.0
            ),
            renderer=pybullet.ER_TINY_RENDERER,
            shadow=0,
            flags=pybullet.ER_NO_SEGMENTATION_MASK,
        )[2]
        return np.array(np.reshape(pixels, [height, width, 4])[..., :3], np.uint8)
