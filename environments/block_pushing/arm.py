"""The xArm6 with a thin cylinder as its end effector, in a PyBullet client."""

from __future__ import annotations

import math
import pathlib
import tempfile
import xml.etree.ElementTree as ET
from typing import Any

import numpy as np
import pybullet_data

from environments.block_pushing.engine import pybullet

# Height of the effector's frame above the table in m, as in the published settings.
HEIGHT = 0.06
EFFECTOR_RADIUS = 0.006  # m
_TIP_HEIGHT = 0.01  # m, the lower end of the cylinder
_FLANGE_ABOVE_EFFECTOR = 0.18
_EFFECTOR_FRICTION = 1.0

# The arm's planar geometry in m, from xarm6_robot.urdf of pybullet_data.
_SHOULDER_HEIGHT = 0.267
_ELBOW = (0.0535, 0.2845)  # from the shoulder: forward, up, with all joints at zero
_WRIST = (0.0775, -0.3425)  # from the elbow
_FLANGE = (0.076, -0.097)  # from the wrist, constant because the tool points down

_UPPER, _FORE = math.hypot(*_ELBOW), math.hypot(*_WRIST)
_ELBOW_ANGLE, _WRIST_ANGLE = math.atan2(*_ELBOW), math.atan2(*_WRIST)
_WRIST_HEIGHT = HEIGHT + _FLANGE_ABOVE_EFFECTOR - _FLANGE[1] - _SHOULDER_HEIGHT
# Maximum distance of the effector from the base in m, below the singularity at 0.713 m.
REACH = 0.705

_JOINTS = range(1, 7)
_FORCES = [1200.0] * 6  # N m, large enough to track the set point under any load


def joint_angles(position: np.ndarray) -> list[float]:
    """Solves the inverse kinematics of an effector that points down.

    For such an effector, shoulder, elbow and wrist move in one vertical plane and form a triangle
    with known sides, which has a closed-form solution. PyBullet's iterative solver would need 100
    iterations, half the time of the physics of a step, and its result depends on the start.

    Args:
        position: Float [2], x and y in meters. A point beyond `REACH` is projected onto it.

    Returns:
        Six angles in radians, from joint1 to joint6.
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
        client: A `BulletClient`.
        meshes: Whether to render the meshes of the real arm (slow) instead of bars.
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
        """Body and link of the part that has a collision shape."""
        return self._body, self._effector

    def place(self, position: np.ndarray) -> None:
        """Places the effector at a point [2], in meters, at rest."""
        for joint, angle in zip(_JOINTS, joint_angles(position), strict=True):
            self._client.resetJointState(self._body, joint, angle, 0.0)

    def command(self, position: np.ndarray) -> None:
        """Sets the set point [2] of the motors, in meters."""
        self._control(position)

    def command_within_substep(self, position: np.ndarray) -> None:
        """Sets a set point [2], in meters, that the arm reaches within one substep."""
        self._control(position, positionGains=[1.0] * len(_JOINTS))

    def contact_force(self) -> float:
        """Returns the total contact force on the effector in the last substep, in newtons."""
        contacts = self._client.getContactPoints(bodyA=self._body, linkIndexA=self._effector)
        return sum(contact[9] for contact in contacts)

    def position(self) -> np.ndarray:
        """Returns the position of the effector, float64 [2], in meters."""
        state = self._client.getLinkState(self._body, self._effector, computeForwardKinematics=True)
        # Element 4 is the link's frame, and element 0 its center of mass.
        return np.array(state[4][:2])

    def save(self) -> np.ndarray:
        """Returns the angles and velocities of the joints, float64 [6, 2]."""
        states = self._client.getJointStates(self._body, _JOINTS)
        return np.array([state[:2] for state in states])

    def restore(self, saved: np.ndarray) -> None:
        """Restores a value that `save` returned."""
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
    """Returns the URDF of the arm, with the kinematics and masses of pybullet_data.

    Visual shapes and the end effector are our own. Only the effector has a collision shape, because
    the other links stay above the blocks.
    """
    data = pathlib.Path(pybullet_data.getDataPath(), "xarm")
    robot = ET.parse(data / "xarm6_robot.urdf").getroot()
    for link in robot.findall("link"):
        for shape in link.findall("collision") + ([] if meshes else link.findall("visual")):
            link.remove(shape)
        if not meshes:
            for xml in _PLAIN_SHAPES.get(link.get("name", ""), ()):
                link.append(ET.fromstring(xml))
    for mesh in robot.iter("mesh"):
        mesh.set("filename", mesh.get("filename", "").replace("package:/", str(data)))
    length = HEIGHT + _FLANGE_ABOVE_EFFECTOR - _TIP_HEIGHT
    shape = (
        f'<origin xyz="0 0 {HEIGHT - _TIP_HEIGHT - length / 2}"/>'
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


def _bar(width: float, start: tuple[float, ...], end: tuple[float, ...], gray: float) -> str:
    """Returns a square bar between two points of a link's frame (m), with a gray in [0, 1]."""
    center = np.add(start, end) / 2
    along = np.subtract(end, start)
    length = float(np.linalg.norm(along))
    # Rotates z onto the line, first about y and then about z.
    pitch, yaw = math.acos(along[2] / length), math.atan2(along[1], along[0])
    return (
        f'<visual><origin xyz="{center[0]} {center[1]} {center[2]}" rpy="0 {pitch} {yaw}"/>'
        f'<geometry><box size="{width} {width} {length}"/></geometry>'
        f'<material name="gray_{gray}"><color rgba="{gray} {gray} {gray} 1"/></material></visual>'
    )


_PLAIN_SHAPES = {
    "link_base": [_bar(0.11, (0, 0, 0), (0, 0, 0.2), 0.5)],
    "link1": [_bar(0.1, (0, 0, -0.067), (0, 0, 0.05), 0.8)],
    "link2": [_bar(0.08, (0, 0, 0), (0.0535, -0.2845, 0), 0.8)],
    "link3": [_bar(0.07, (0, 0, 0), (0.0775, 0.3425, 0), 0.8)],
    "link5": [_bar(0.06, (0, 0, 0), (0.076, 0.03, 0), 0.5)],
    "link6": [_bar(0.06, (0, 0, -0.08), (0, 0, 0), 0.8)],
}
