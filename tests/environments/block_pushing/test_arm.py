"""The inverse kinematics agrees with PyBullet's forward kinematics."""

import itertools
import math

import numpy as np
import pybullet
import pytest
from pybullet_utils import bullet_client

from environments.block_pushing import arm


@pytest.fixture(scope="module")
def client():
    client = bullet_client.BulletClient(pybullet.DIRECT)
    yield client
    client.disconnect()


@pytest.fixture(scope="module")
def xarm(client):
    return arm.XArm(client, meshes=False)


def pose(client, xarm):
    state = client.getLinkState(*xarm.effector_link, computeForwardKinematics=True)
    return np.array(state[4]), np.reshape(client.getMatrixFromQuaternion(state[5]), [3, 3])


def workspace():
    """A grid over the range of the set points, including the corners."""
    grid = itertools.product(np.linspace(0.15, 0.7, 12), np.linspace(-0.5, 0.5, 21))
    return [np.array(point) for point in grid]


def test_effector_reaches_every_point_within_reach(client, xarm):
    within = [point for point in workspace() if np.linalg.norm(point) <= arm.REACH]
    assert len(within) > 200
    for point in within:
        xarm.place(point)
        position, axes = pose(client, xarm)
        np.testing.assert_allclose(position, [*point, arm.HEIGHT], atol=1e-5)
        np.testing.assert_allclose(axes[:, 2], [0, 0, -1], atol=1e-5)  # it points down
        np.testing.assert_allclose(xarm.position(), point, atol=1e-5)


def test_points_beyond_reach_are_projected(client, xarm):
    beyond = [point for point in workspace() if np.linalg.norm(point) > arm.REACH]
    assert len(beyond) > 10
    for point in beyond:
        xarm.place(point)
        position, _ = pose(client, xarm)
        nearest = point / np.linalg.norm(point) * arm.REACH
        np.testing.assert_allclose(position[:2], nearest, atol=1e-5)


def test_joint_angles_are_continuous():
    """A change of configuration would sweep the arm over the table within a step."""
    for x, y in itertools.product(np.linspace(0.15, 0.69, 55), np.linspace(-0.5, 0.49, 100)):
        here, there = arm.joint_angles([x, y]), arm.joint_angles([x + 0.01, y + 0.01])
        assert max(abs(a - b) for a, b in zip(here, there, strict=True)) < 0.25


def test_joint_angles_are_within_the_limits_of_the_robot(client, xarm):
    body, _ = xarm.effector_link
    limits = [client.getJointInfo(body, joint)[8:10] for joint in range(1, 7)]
    for point in workspace():
        for angle, (low, high) in zip(arm.joint_angles(point), limits, strict=True):
            assert low <= angle <= high and math.isfinite(angle)
