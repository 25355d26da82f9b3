"""The table, the arm, blocks and zones in a PyBullet client, and the physics of a step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from environments.block_pushing import arm, bodies, engine, rendering

CONTROL_RATE = 10  # Hz
START = np.array([0.3, -0.4])  # initial position of the effector, m
_PHYSICS_RATE = 240  # Hz
_SUBSTEPS = _PHYSICS_RATE // CONTROL_RATE
# More than the number of pairs of effector, ground, blocks and slot.
_DETECTIONS = 8


class Pose(NamedTuple):
    """The pose of an object on the table.

    Attributes:
        position: Float64 [2], x and y, in meters.
        yaw: Angle in radians, in [-pi, pi].
    """

    position: np.ndarray
    yaw: float


class Layout(NamedTuple):
    """The initial poses of an episode.

    Attributes:
        blocks: One pose per block.
        zones: One pose per zone.
    """

    blocks: Sequence[Pose]
    zones: Sequence[Pose]


class Snapshot(NamedTuple):
    """The complete state of the physics.

    Attributes:
        joints: Angles (rad) and velocities (rad/s) of the arm's joints, float64 [6, 2].
        effector: The corresponding position of the effector, float64 [2], in meters.
        blocks: Position (m), orientation (x, y, z, w), linear velocity (m/s) and angular velocity
            (rad/s) of the blocks, float64 [K, 13].
        zones: One pose per zone.
    """

    joints: np.ndarray
    effector: np.ndarray
    blocks: np.ndarray
    zones: tuple[Pose, ...]


class Scene:
    """The simulation that all pushing tasks share.

    A control step is an exact function of the snapshot and the set point. No state of the solver
    (contacts, their order, impulses of the last step) carries over to the next step. A snapshot
    therefore continues equally in any scene with the same arguments.

    Args:
        blocks: The movable objects.
        zones: The objects that are fixed during an episode.
        appearance: Visual appearance of table and arm.
        force_limit: Contact force in newtons that stops the arm, as the protective stop of a robot
            does. With a finite limit the arm moves at constant speed within a control step. With
            an infinite limit, a block between effector and wall is pressed into the wall.
    """

    def __init__(
        self,
        blocks: Sequence[bodies.Body],
        zones: Sequence[bodies.Body],
        appearance: rendering.Appearance,
        force_limit: float = math.inf,
    ) -> None:
        self._client = engine.connect()
        self._client.setGravity(0, 0, -9.8)
        self._client.setTimeStep(1 / _PHYSICS_RATE)
        self._client.setPhysicsEngineParameter(deterministicOverlappingPairs=1)
        appearance.build(self._client)
        self._arm = arm.XArm(self._client, appearance.detailed)
        self._force_limit = force_limit
        self._blocks = [add(self._client) for add in blocks]
        self._zones = [add(self._client) for add in zones]
        self._movable = [self._arm.effector_link, *((body, -1) for body in self._blocks)]
        self._snapshot = Snapshot(np.zeros([6, 2]), np.zeros(2), np.zeros([0, 13]), ())

    def place(self, layout: Layout, effector: np.ndarray = START) -> None:
        """Places all objects at rest.

        Args:
            layout: Poses of blocks and zones.
            effector: Position of the effector, float [2], in meters.
        """
        self._arm.place(effector)
        blocks = np.zeros([len(self._blocks), 13])
        for row, pose in zip(blocks, layout.blocks, strict=True):
            row[:3] = *pose.position, bodies.BLOCK_SIDE / 2
            row[3:7] = self._orientation(pose.yaw)
        zones = tuple(layout.zones)
        self.restore(Snapshot(self._arm.save(), self._arm.position(), blocks, zones))

    def advance(self, set_point: np.ndarray) -> None:
        """Simulates a control step (0.1 s).

        Args:
            set_point: Set point of the effector, float [2], in meters.
        """
        self._reset_contacts()
        if math.isinf(self._force_limit):
            self._arm.command(set_point)
            for _ in range(_SUBSTEPS):
                self._client.stepSimulation()
        else:
            self._advance_with_force_limit(set_point)
        self._snapshot = self._observe()

    def save(self) -> Snapshot:
        """Returns the state, which later steps do not change."""
        return self._snapshot

    def restore(self, snapshot: Snapshot) -> None:
        """Restores a value that `save` returned."""
        # The snapshot is kept, because values read from the simulator may differ in the last bit.
        self._snapshot = snapshot
        self._arm.restore(snapshot.joints)
        for body, row in zip(self._blocks, snapshot.blocks, strict=True):
            self._client.resetBasePositionAndOrientation(body, row[:3], row[3:7])
            self._client.resetBaseVelocity(body, row[7:10], row[10:13])
        for body, pose in zip(self._zones, snapshot.zones, strict=True):
            self._client.resetBasePositionAndOrientation(
                body, [*pose.position, 0.0], self._orientation(pose.yaw)
            )

    @property
    def effector(self) -> np.ndarray:
        """The position of the effector, float64 [2], in meters."""
        return self._snapshot.effector

    @property
    def blocks(self) -> list[Pose]:
        """The poses of the blocks."""
        return [Pose(row[:2], _yaw(row[3:7])) for row in self._snapshot.blocks]

    @property
    def zones(self) -> tuple[Pose, ...]:
        """The poses of the zones."""
        return self._snapshot.zones

    def render(self, camera: rendering.Camera, height: int, width: int) -> np.ndarray:
        """Renders the scene, uint8 [height, width, 3]."""
        return camera.render(self._client, height, width)

    def close(self) -> None:
        """Disconnects the client. The scene must not be used afterwards."""
        self._client.disconnect()

    def _advance_with_force_limit(self, set_point: np.ndarray) -> None:
        waypoints = np.linspace(self._arm.position(), set_point, _SUBSTEPS + 1)
        index, increment = 0, 1
        for _ in range(_SUBSTEPS):
            index += increment
            self._arm.command_within_substep(waypoints[index])
            self._client.stepSimulation()
            if self._arm.contact_force() > self._force_limit:
                # The arm returns to the waypoint before the last one and stays there.
                index, increment = max(index - 2 * increment, 0), 0

    def _observe(self) -> Snapshot:
        blocks = [
            np.concatenate(
                [
                    *self._client.getBasePositionAndOrientation(body),
                    *self._client.getBaseVelocity(body),
                ]
            )
            for body in self._blocks
        ]
        return self._snapshot._replace(
            joints=self._arm.save(),
            effector=self._arm.position(),
            blocks=np.reshape(blocks, [len(blocks), 13]),
        )

    def _reset_contacts(self) -> None:
        """Restores the snapshot and clears the contacts of the solver.

        Movable bodies leave the collision world and enter it again, so that the solver finds pairs
        of close bodies in the same order, independent of earlier steps. The collision detections
        reset the solver's incremental search, which processes one pair per detection.
        """
        for body, link in self._movable:
            self._client.setCollisionFilterGroupMask(body, link, 0, 0)
        self._detect()
        self.restore(self._snapshot)
        self._detect()
        for body, link in self._movable:
            self._client.setCollisionFilterGroupMask(body, link, 1, -1)
        self.restore(self._snapshot)

    def _detect(self) -> None:
        for _ in range(_DETECTIONS):
            self._client.performCollisionDetection()

    def _orientation(self, yaw: float) -> Sequence[float]:
        return self._client.getQuaternionFromEuler([0.0, 0.0, yaw])


def _yaw(orientation: np.ndarray) -> float:
    """Computes the yaw of an orientation (x, y, z, w), in [-pi, pi]."""
    x, y, z, w = orientation
    return math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
