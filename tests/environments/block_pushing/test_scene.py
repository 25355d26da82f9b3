"""A control step is an exact function of the snapshot and the set point."""

import math

import numpy as np
import pytest

from environments.block_pushing import bodies, rendering, tasks
from environments.block_pushing.scene import START, Layout, Pose, Scene


def make(task):
    return Scene(task.blocks, task.zones, rendering.Appearance(), task.force_limit)


def assert_same(left, right):
    for name in ("joints", "effector", "blocks"):
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name))


def wander(scene, task, seed, steps=25):
    """Moves the effector through the blocks.

    Returns:
        (snapshot before, set point, snapshot after) of each step, and the number of steps that
        moved a block.
    """
    rng = np.random.default_rng(seed)
    scene.place(task.layout(rng))
    # The objects are close to each other, so that all of them soon have contacts.
    before = scene.save()
    blocks = before.blocks.copy()
    for row in range(len(blocks)):
        blocks[row, :2] = before.zones[0].position + [0.01, -0.065 - 0.043 * row]
    scene.restore(before._replace(blocks=blocks))
    seen, touched = [], 0
    for _ in range(steps):
        before = scene.save()
        center = before.blocks[:, :2].mean(axis=0)
        set_point = np.clip(center + rng.normal(0, 0.03, 2), [0.15, -0.5], [0.7, 0.5])
        scene.advance(set_point)
        seen.append((before, set_point, scene.save()))
        touched += not np.allclose(before.blocks[:, :2], scene.save().blocks[:, :2], atol=1e-4)
    return seen, touched


@pytest.mark.parametrize(
    "task", [tasks.SingleTarget(), tasks.Multimodal(), tasks.Insert()], ids=lambda task: task.name
)
def test_restored_snapshots_continue_bit_equal_in_any_scene_and_order(task):
    one, other = make(task), make(task)
    seen = []
    for seed in range(3):
        steps, touched = wander(one, task, seed)
        assert touched >= 5
        seen += steps
    order = np.random.default_rng(0).permutation(len(seen))
    for scene in (other, one):
        for index in order:
            before, set_point, after = seen[index]
            scene.restore(before)
            assert_same(scene.save(), before)
            scene.advance(set_point)
            assert_same(scene.save(), after)


def test_later_steps_do_not_change_a_snapshot():
    task = tasks.Multimodal()
    scene = make(task)
    scene.place(task.layout(np.random.default_rng(0)))
    snapshot = scene.save()
    copies = [np.copy(value) for value in snapshot[:3]]
    for _ in range(10):
        scene.advance(np.array([0.4, -0.2]))
    for value, copied in zip(snapshot[:3], copies, strict=True):
        np.testing.assert_array_equal(value, copied)


def test_place_sets_the_effector_position():
    task = tasks.SingleTarget()
    scene = make(task)
    layout = task.layout(np.random.default_rng(0))
    for position in (START, np.array([0.45, 0.3])):
        scene.place(layout, position)
        np.testing.assert_allclose(scene.effector, position, atol=1e-5)
        scene.advance(position)
        np.testing.assert_allclose(scene.effector, position, atol=1e-4)


def test_a_block_at_rest_does_not_move():
    scene = make(tasks.SingleTarget())
    scene.place(Layout([Pose(np.array([0.45, 0.1]), 0.7)], [Pose(np.array([0.4, 0.2]), 3.0)]))
    for _ in range(20):
        scene.advance(np.array([0.3, -0.4]))
    (block,) = scene.blocks
    np.testing.assert_allclose(block.position, [0.45, 0.1], atol=1e-5)
    np.testing.assert_allclose(block.yaw, 0.7, atol=1e-3)


def test_a_pushed_block_moves_ahead_of_the_effector():
    scene = make(tasks.SingleTarget())
    scene.place(Layout([Pose(np.array([0.3, -0.2]), 0.0)], [Pose(np.array([0.4, 0.2]), 3.0)]))
    for y in np.arange(-0.4, 0.0, 0.01):
        scene.advance(np.array([0.3, y]))
    (block,) = scene.blocks
    ahead = block.position[1] - scene.effector[1]
    assert bodies.BLOCK_SIDE / 2 + 0.005 < ahead < bodies.BLOCK_SIDE / 2 + 0.012
    np.testing.assert_allclose(block.position[0], 0.3, atol=0.01)


SLOT = Pose(np.array([0.4, 0.25]), math.pi)  # the opening faces -y


def push_at_slot(off, speed):
    """Pushes a block straight into the slot and against its back wall.

    Returns:
        The scene, and the maximum overlap of block and walls in meters.
    """
    task = tasks.Insert()
    scene = make(task)
    scene.place(Layout([Pose(SLOT.position + [off, -0.07], math.pi)], [SLOT]))
    way = [np.array([0.4 + off, y]) for y in np.arange(-0.3, 0.25, speed)]
    scene.advance(way[0] + [0.0, -0.05])
    deepest = 0.0
    for set_point in [*way, *[way[-1]] * 5]:
        scene.advance(set_point)
        deepest = max(deepest, scene_overlap(scene))
    return scene, deepest


def scene_overlap(scene):
    contacts = scene._client.getContactPoints(scene._blocks[0], scene._zones[0])
    return -min((contact[8] for contact in contacts), default=0.0)


@pytest.mark.parametrize("off", [0.0, 0.0003])
def test_a_block_in_front_of_the_slot_stops_at_its_back_wall(off):
    scene, deepest = push_at_slot(off, 0.004)
    (block,) = scene.blocks
    np.testing.assert_allclose(block.position, SLOT.position, atol=0.0008)
    assert deepest < 0.001


def test_a_block_that_misses_the_opening_stops_the_arm():
    scene, deepest = push_at_slot(0.003, 0.004)
    (block,) = scene.blocks
    assert np.linalg.norm(block.position - SLOT.position) > 0.02
    assert scene.effector[1] < 0.225  # the set point is at 0.25
    assert deepest < 0.002


def test_the_arm_reaches_its_set_point_without_a_force_limit():
    task = tasks.SingleTarget()
    scene = make(task)
    scene.place(task.layout(np.random.default_rng(0)))
    for _ in range(10):
        scene.advance(np.array([0.4, -0.2]))
    np.testing.assert_allclose(scene.effector, [0.4, -0.2], atol=1e-3)
