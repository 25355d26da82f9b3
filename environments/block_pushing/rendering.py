"""The visual appearance of table and arm, and the camera."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

import gin
import numpy as np
import pybullet_data

from environments.block_pushing import bodies
from environments.block_pushing.engine import pybullet
from ibc_agents.core import setting_checks

_TABLE_CENTER = (0.425, 0.0)  # m, the center of the workspace
_TABLE_HALF_SIDES = (0.3, 0.55)  # m


@gin.configurable
@dataclasses.dataclass(frozen=True)
class Appearance:
    """The visual appearance of table and arm, which does not affect the physics.

    Attributes:
        detailed: False renders a white table with a gray edge and an arm of bars. True renders the
            meshes of the arm, a dark table and a checkered floor, similar to the published
            datasets. The plain appearance renders many times faster, because the time of PyBullet's
            software renderer grows with the number of foreground pixels and of long triangles.
    """

    detailed: bool = False

    def __post_init__(self) -> None:
        """Checks the setting.

        Raises:
            SettingError: If it is not a bool.
        """
        setting_checks.check_flag("Appearance.detailed", self.detailed)

    @property
    def name(self) -> str:
        """The part of the environment's name that refers to the appearance."""
        return "detailed" if self.detailed else "plain"

    def build(self, client: Any) -> None:
        """Adds the table and the ground plane that blocks slide on to a client."""
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
            return bodies.outline(client, _TABLE_HALF_SIDES, 0.01, bodies.GRAY, _TABLE_CENTER)
        return client.createVisualShape(
            pybullet.GEOM_BOX,
            halfExtents=[*_TABLE_HALF_SIDES, 0.005],
            visualFramePosition=[*_TABLE_CENTER, -0.005],
            rgbaColor=bodies.DARK,
        )


@gin.configurable
@dataclasses.dataclass(frozen=True)
class Camera:
    """An upright pinhole camera. The default is the camera of the published datasets.

    Attributes:
        position: Position, in meters.
        looks_at: Target point, in meters.
        vertical_field_of_view: Field of view, in degrees.
        name: Part of the environment's name, which must be unique for each camera.
    """

    position: tuple[float, float, float] = (1.0, 0.0, 0.75)
    looks_at: tuple[float, float, float] = (0.25, 0.0, 0.0)
    vertical_field_of_view: float = 50.06
    name: str = "front"

    def __post_init__(self) -> None:
        """Checks the settings.

        Raises:
            SettingError: If one has a wrong type or is out of range.
        """
        setting_checks.check_numbers("Camera.position", self.position, length=3)
        setting_checks.check_numbers("Camera.looks_at", self.looks_at, length=3)
        setting_checks.check_number(
            "Camera.vertical_field_of_view",
            self.vertical_field_of_view,
            setting_checks.Interval(0, 180),
        )
        setting_checks.check_name("Camera.name", self.name)

    def render(self, client: Any, height: int, width: int) -> np.ndarray:
        """Renders the scene of a client.

        PyBullet's software renderer gives equal images with and without a GPU.

        Args:
            client: A `BulletClient`.
            height: Height of the image, in pixels.
            width: Width of the image, in pixels.

        Returns:
            Uint8 [height, width, 3], RGB.
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
