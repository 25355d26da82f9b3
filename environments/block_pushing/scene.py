"""The table, the arm, blocks and zones in one PyBullet client, and a control step's physics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from environments.block_pushing import arm, bodies, engine, looks

CONTROL_RATE = 10  # Hz
START = np.array([0.3, -0.4])  # of the effector, metres
_PHYSICS_RATE = 240  # Hz
_SUBSTEPS = _PHYSICS_RATE // CONTROL_RATE
# More than there are pairs of effector, ground, two blocks or a block and a slot.
_DETECTIONS = 8


class Pose(NamedTuple):
    """Where something lies on the table.

    Attributes:
        position: float64 [2], x and y, metres.
        yaw: radians, in [-pi, pi].
    """

    position: np.ndarray
    yaw: float


class Layout(NamedTuple):
    """Where everything lies when an episode begins.

    Attributes:
        blocks: one pose each.
        zones: one pose each.
    """

    blocks: Sequence[Pose]
    zones: Sequence[Pose]


class Snapshot(NamedTuple):
    """The whole state of the physics.

    Attributes:
        joints: float64 [6, 2], angles (rad) and velocities of the arm's joints.
        effector: float64 [2], where that puts the effector.
        blocks: float64 [K, 13], position (m), orientation (x, y, z, w), linear and angular
            velocity.
        zones: one pose each.
    """

    joints: np.ndarray
    effector: np.ndarray
    blocks: np.ndarray
    zones: tuple[Pose, ...]


class Scene:
    """What all pushing tasks share.

    A control step is a function of the snapshot and the set point alone, bit for bit: nothing of
    the solver's memory (contacts, their order, the impulses of the last step) is carried over from
    one to the next. So a snapshot taken here goes on in any scene that is constructed alike.

    Args:
        blocks: what can be pushed.
        zones: what stands still during an episode.
        look: what the rest looks like.
        force_limit: newtons. Where more than that resists the effector the arm stops, as robots do
            by themselves; within a control step it then moves at an even speed. Without a limit
            nothing stops it: a block between effector and wall is pressed into the wall.
    """

    def __init__(
        self,
        blocks: Sequence[bodies.Body],
        zones: Sequence[bodies.Body],
        look: looks.Look,
        force_limit: float = math.inf,
    ) -> None:
        self._client = engine.connect()
        self._client.setGravity(0, 0, -9.8)
        self._client.setTimeStep(1 / _PHYSICS_RATE)
        self._client.setPhysicsEngineParameter(deterministicOverlappingPairs=1)
        look.build(self._client)
        self._arm = arm.XArm(self._client, look.detailed)
        self._force_limit = force_limit
        self._blocks = [add(self._client) for add in blocks]
        self._zones = [add(self._client) for add in zones]
        self._movable = [self._arm.effector_link, *((body, -1) for body in self._blocks)]
        self._snapshot = Snapshot(np.zeros([6, 2]), np.zeros(2), np.zeros([0, 13]), ())

    def place(self, layout: Layout, effector: np.ndarray = START) -> None:
        """Puts everything where a layout says, and the effector over a point [2], at rest."""
        self._arm.place(effector)
        blocks = np.zeros([len(self._blocks), 13])
        for row, pose in zip(blocks, layout.blocks, strict=True):
            row[:3] = *pose.position, bodies.BLOCK_SIDE / 2
            row[3:7] = self._orientation(pose.yaw)
        zones = tuple(layout.zones)
        self.restore(Snapshot(self._arm.save(), self._arm.position(), blocks, zones))

    def advance(self, set_point: np.ndarray) -> None:
        """Lets a tenth of a second pass while the arm moves its effector to a point [2]."""
        self._place_anew()
        if math.isinf(self._force_limit):
            self._arm.command(set_point)
            for _ in range(_SUBSTEPS):
                self._client.stepSimulation()
        else:
            self._advance_carefully(set_point)
        self._snapshot = self._observe()

    def save(self) -> Snapshot:
        """The state as it is now; later steps leave it alone."""
        return self._snapshot

    def restore(self, snapshot: Snapshot) -> None:
        """Takes over what `save` returned."""
        # Kept, for what the simulator gives back would differ in the last bit.
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
        """Where the effector is: float64 [2], metres."""
        return self._snapshot.effector

    @property
    def blocks(self) -> list[Pose]:
        """Where the blocks are."""
        return [Pose(row[:2], _yaw(row[3:7])) for row in self._snapshot.blocks]

    @property
    def zones(self) -> tuple[Pose, ...]:
        """Where the zones are."""
        return self._snapshot.zones

    def picture(self, camera: looks.Camera, height: int, width: int) -> np.ndarray:
        """What a camera sees: uint8 [height, width, 3]."""
        return camera.picture(self._client, height, width)

    def close(self) -> None:
        """Ends the client; the scene cannot be used any more."""
        self._client.disconnect()

    def _advance_carefully(self, set_point: np.ndarray) -> None:
        way = np.linspace(self._arm.position(), set_point, _SUBSTEPS + 1)
        at, pace = 0, 1
        for _ in range(_SUBSTEPS):
            at += pace
            self._arm.command_at_once(way[at])
            self._client.stepSimulation()
            if self._arm.resistance() > self._force_limit:
                # Back to where it was before, and no further.
                at, pace = max(at - 2 * pace, 0), 0

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

    def _place_anew(self) -> None:
        """Puts everything where it is, as if for the first time: no contact is remembered.

        What moves is out of the collision world meanwhile, so that pairs of bodies that are near
        each other are found anew, and in the same order, wherever they were before. Detections in
        between let the search forget where it was: it looks at one pair in each.
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
    """Where the first axis of an orientation (x, y, z, w) points to on the table, in [-pi, pi]."""
    x, y, z, w = orientation
    return math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
