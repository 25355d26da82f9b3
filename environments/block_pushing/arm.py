"""The xArm6 with a slim cylinder as its end effector, in a PyBullet client."""

from __future__ import annotations

import math
import pathlib
import tempfile
import xml.etree.ElementTree as ET
from typing import Any

import numpy as np
import pybullet_data

from environments.block_pushing.engine import pybullet

# The effector's frame is held at this height above the table, metres, as in the published settings.
HEIGHT = 0.06
EFFECTOR_RADIUS = 0.006
_LOWEST = 0.01  # end of the cylinder
_FLANGE_ABOVE_EFFECTOR = 0.18
_EFFECTOR_FRICTION = 1.0

# Of the arm's planar geometry, from pybullet_data's xarm6_robot.urdf, in metres.
_SHOULDER_HEIGHT = 0.267
_ELBOW = (0.0535, 0.2845)  # from the shoulder: forward, up, with all joints at zero
_WRIST = (0.0775, -0.3425)  # from the elbow
_FLANGE = (0.076, -0.097)  # from the wrist; it stays so, for the tool points down

_UPPER, _FORE = math.hypot(*_ELBOW), math.hypot(*_WRIST)
_ELBOW_ANGLE, _WRIST_ANGLE = math.atan2(*_ELBOW), math.atan2(*_WRIST)
_WRIST_HEIGHT = HEIGHT + _FLANGE_ABOVE_EFFECTOR - _FLANGE[1] - _SHOULDER_HEIGHT
# Farthest from the base that the effector reaches at HEIGHT, short of a stretched arm (0.713 m).
REACH = 0.705

_JOINTS = range(1, 7)
_FORCES = [1200.0] * 6  # N m; the motors never give way


def joint_angles(position: np.ndarray) -> list[float]:
    """The joints that hold the effector over a point, pointing down.

    With a tool that points down only shoulder, elbow and wrist remain, and they move in one
    vertical plane: a triangle of known sides. PyBullet's iterative solver needs a hundred rounds
    for the same angles, half as long as all the physics of a step, and its answer depends on where
    it starts.

    Args:
        position: float [2], x and y in metres. Beyond `REACH` the nearest point within it is taken.

    Returns:
        Six angles in radians, of joint1 to joint6.
    """
    x, y = position
    turn = math.atan2(y, x)
    forward = min(math.hypot(x, y), REACH) - _FLANGE[0]
    distance_squared = forward**2 + _WRIST_HEIGHT**2
    bend = math.acos((distance_squared - _UPPER**2 - _FORE**2) / (2 * _UPPER * _FORE))
    elbow = bend - (_WRIST_ANGLE - _ELBOW_ANGLE)
    inner = math.atan2(_FORE * math.sin(bend), _UPPER + _FORE * math.cos(bend))
    shoulder = math.atan2(forward, _WRIST_HEIGHT) - _ELBOW_ANGLE - inner
    return [turn, shoulder, elbow, 0.0, -shoulder - elbow, turn]


class XArm:
    """The arm in a client.

    Args:
        client: a `BulletClient`.
        meshes: whether it looks like the real one (slow to draw), or is made of bars.
    """

    def __init__(self, client: Any, meshes: bool) -> None:
        self._client = client
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "xarm6.urdf")
            path.write_text(_model(meshes))
            self._body = client.loadURDF(str(path), useFixedBase=True)
        self._effector = client.getNumJoints(self._body) - 1
        client.changeDynamics(self._body, self._effector, lateralFriction=_EFFECTOR_FRICTION)

    @property
    def effector_link(self) -> tuple[int, int]:
        """Body and link that touch things."""
        return self._body, self._effector

    def place(self, position: np.ndarray) -> None:
        """Puts the effector over a point [2], at rest."""
        for joint, angle in zip(_JOINTS, joint_angles(position), strict=True):
            self._client.resetJointState(self._body, joint, angle, 0.0)

    def command(self, position: np.ndarray) -> None:
        """Sets the point [2] that the motors move the effector to from now on."""
        self._control(position)

    def command_at_once(self, position: np.ndarray) -> None:
        """As `command`, but a single substep covers the whole way."""
        self._control(position, positionGains=[1.0] * len(_JOINTS))

    def resistance(self) -> float:
        """The force with which things pressed on the effector in the last substep, newtons."""
        contacts = self._client.getContactPoints(bodyA=self._body, linkIndexA=self._effector)
        return sum(contact[9] for contact in contacts)

    def position(self) -> np.ndarray:
        """Where the effector is: float64 [2], metres."""
        state = self._client.getLinkState(self._body, self._effector, computeForwardKinematics=True)
        # The link's frame, not its centre of mass ([0]).
        return np.array(state[4][:2])

    def save(self) -> np.ndarray:
        """Angles and velocities of the joints: float64 [6, 2]."""
        states = self._client.getJointStates(self._body, _JOINTS)
        return np.array([state[:2] for state in states])

    def restore(self, saved: np.ndarray) -> None:
        """Takes over what `save` returned."""
        for joint, (angle, velocity) in zip(_JOINTS, saved, strict=True):
            self._client.resetJointState(self._body, joint, angle, velocity)

    def _control(self, position: np.ndarray, **gains: Any) -> None:
        self._client.setJointMotorControlArray(
            self._body,
            _JOINTS,
            pybullet.POSITION_CONTROL,
            targetPositions=joint_angles(position),
            forces=_FORCES,
            **gains,
        )


def _model(meshes: bool) -> str:
    """The robot's description: pybullet_data's kinematics and masses, our looks and end effector.

    Only the effector has a collision shape: the other links never come near the table.
    """
    data = pathlib.Path(pybullet_data.getDataPath(), "xarm")
    robot = ET.parse(data / "xarm6_robot.urdf").getroot()
    for link in robot.findall("link"):
        for shape in link.findall("collision") + ([] if meshes else link.findall("visual")):
            link.remove(shape)
        if not meshes:
            for xml in _PLAIN_LOOKS.get(link.get("name", ""), ()):
                link.append(ET.fromstring(xml))
    for mesh in robot.iter("mesh"):
        mesh.set("filename", mesh.get("filename", "").replace("package:/", str(data)))
    length = HEIGHT + _FLANGE_ABOVE_EFFECTOR - _LOWEST
    shape = (
        f'<origin xyz="0 0 {HEIGHT - _LOWEST - length / 2}"/>'
        f'<geometry><cylinder radius="{EFFECTOR_RADIUS}" length="{length}"/></geometry>'
    )
    robot.append(
        ET.fromstring(
            '<link name="effector"><inertial><mass value="0.1"/>'
            '<inertia ixx="1e-4" ixy="0" ixz="0" iyy="1e-4" iyz="0" izz="1e-5"/></inertial>'
            f'<visual>{shape}<material name="Black"/></visual><collision>{shape}</collision></link>'
        )
    )
    robot.append(
        ET.fromstring(
            '<joint name="effector_joint" type="fixed"><parent link="link6"/>'
            f'<child link="effector"/><origin xyz="0 0 {_FLANGE_ABOVE_EFFECTOR}"/></joint>'
        )
    )
    return ET.tostring(robot, encoding="unicode")


def _bar(width: float, start: tuple[float, ...], end: tuple[float, ...], grey: float) -> str:
    """A square bar between two points of a link's frame; metres, and a brightness in [0, 1]."""
    centre = np.add(start, end) / 2
    along = np.subtract(end, start)
    length = float(np.linalg.norm(along))
    # Turns z onto the line: first about y, then about z.
    pitch, yaw = math.acos(along[2] / length), math.atan2(along[1], along[0])
    return (
        f'<visual><origin xyz="{centre[0]} {centre[1]} {centre[2]}" rpy="0 {pitch} {yaw}"/>'
        f'<geometry><box size="{width} {width} {length}"/></geometry>'
        f'<material name="grey_{grey}"><color rgba="{grey} {grey} {grey} 1"/></material></visual>'
    )


_PLAIN_LOOKS = {
    "link_base": [_bar(0.11, (0, 0, 0), (0, 0, 0.2), 0.5)],
    "link1": [_bar(0.1, (0, 0, -0.067), (0, 0, 0.05), 0.8)],
    "link2": [_bar(0.08, (0, 0, 0), (0.0535, -0.2845, 0), 0.8)],
    "link3": [_bar(0.07, (0, 0, 0), (0.0775, 0.3425, 0), 0.8)],
    "link5": [_bar(0.06, (0, 0, 0), (0.076, 0.03, 0), 0.5)],
    "link6": [_bar(0.06, (0, 0, -0.08), (0, 0, 0), 0.8)],
}
