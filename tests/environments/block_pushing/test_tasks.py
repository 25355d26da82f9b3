"""Initial poses, progress and success of the tasks, without a simulation."""

import dataclasses
import math

import numpy as np
import pytest

from environments.block_pushing import tasks
from environments.block_pushing.scene import Pose

TASKS = [
    tasks.SingleTarget(),
    tasks.Reach(),
    tasks.Discontinuous(),
    tasks.Multimodal(),
    tasks.Insert(),
]


@dataclasses.dataclass
class Still:
    """The part of a scene that a task uses."""

    effector: np.ndarray
    blocks: list
    zones: list


def at(x, y, yaw=0.0):
    return Pose(np.array([x, y], np.float64), yaw)


def layouts(task, count=500):
    return [task.layout(np.random.default_rng(seed)) for seed in range(count)]


def span(poses):
    values = np.array([[*pose.position, pose.yaw] for pose in poses])
    return values.min(axis=0), values.max(axis=0)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_initial_poses_cover_the_documented_ranges(task):
    drawn = layouts(task)
    assert all(len(layout.blocks) == len(task.blocks) for layout in drawn)
    assert all(len(layout.zones) == len(task.zones) for layout in drawn)
    for row in range(len(task.blocks)):
        low, high = span([layout.blocks[row] for layout in drawn])
        _check_span(low, high, [0.3, -0.35, 0.0], [0.5, -0.05, math.pi])
    ranges = {
        "pushing_discontinuous": [(-0.05, 0.05), (0.35, 0.45)],
        "pushing_insert": [(0.15, 0.35)],
    }.get(task.name, [(0.05, 0.35)] * 2)
    turned = math.pi / 12 if task.name == "pushing_insert" else math.pi / 6
    for row in range(len(task.zones)):
        zones = [layout.zones[row] for layout in drawn]
        assert all(-math.pi <= zone.yaw <= math.pi for zone in zones)
        # Zone angles are about pi, where the range of an angle ends.
        zones = [Pose(zone.position, zone.yaw % (2 * math.pi)) for zone in zones]
        low, high = span(zones)
        _check_span(
            low,
            high,
            [0.3, ranges[row][0], math.pi - turned],
            [0.5, ranges[row][1], math.pi + turned],
        )


def _check_span(low, high, least, most):
    slack = 0.02 * (np.array(most) - least)
    assert np.all(low >= np.array(least) - 1e-12) and np.all(low <= least + slack)
    assert np.all(high <= np.array(most) + 1e-12) and np.all(high >= most - slack)


def test_two_blocks_and_two_zones_start_apart():
    for layout in layouts(tasks.Multimodal()):
        (one, other), (first, second) = layout.blocks, layout.zones
        assert abs(one.position[0] - other.position[0]) >= 0.1
        assert abs(first.position[0] - second.position[0]) >= 0.12


def test_the_slot_opens_toward_the_block():
    for layout in layouts(tasks.Insert()):
        (block,), (slot,) = layout.blocks, layout.zones
        into = np.array([math.sin(slot.yaw), -math.cos(slot.yaw)])
        assert (slot.position - block.position) @ into > 0.14


def test_single_target_measures_the_distance_to_the_zone():
    scene = Still(np.zeros(2), [at(0.4, -0.2, 1.0)], [at(0.4, 0.2)])
    np.testing.assert_allclose(tasks.SingleTarget().distances(scene, 0), [0.4])


def test_reach_measures_the_distance_of_the_effector():
    scene = Still(np.array([0.4, 0.1]), [], [at(0.4, 0.2)])
    np.testing.assert_allclose(tasks.Reach().distances(scene, 0), [0.1])


@pytest.mark.parametrize("quarters", range(4))
def test_insert_accepts_all_four_orientations_of_a_cube(quarters):
    scene = Still(np.zeros(2), [at(0.4, 0.2, 2.9 + quarters * math.pi / 2)], [at(0.4, 0.2, 2.9)])
    np.testing.assert_allclose(tasks.Insert().distances(scene, 0), [0.0], atol=1e-12)


def test_insert_measures_rotation_and_translation():
    half_diagonal = 0.02 * math.sqrt(2)
    turned = Still(np.zeros(2), [at(0.4, 0.2, 0.1)], [at(0.4, 0.2)])
    expected = 2 * half_diagonal * math.sin(0.05)
    np.testing.assert_allclose(tasks.Insert().distances(turned, 0), [expected])
    moved = Still(np.zeros(2), [at(0.4, 0.17)], [at(0.4, 0.2)])
    np.testing.assert_allclose(tasks.Insert().distances(moved, 0), [0.03])


def test_insert_succeeds_inside_the_slot_only():
    """Any offset and rotation within the clearance succeeds at the default tolerance."""
    task = tasks.Insert()
    rng = np.random.default_rng(0)
    for _ in range(200):
        side, turned = rng.uniform(-0.0005, 0.0005), rng.uniform(-0.025, 0.025)
        # The walls are 41 mm apart.
        if 0.04 * (math.cos(turned) + math.sin(abs(turned))) / 2 + abs(side) > 0.0205:
            continue
        seated = Still(np.zeros(2), [at(side, rng.uniform(0, 0.0012), turned)], [at(0, 0)])
        assert task.distances(seated, 0)[0] <= task.tolerance
        outside = Still(np.zeros(2), [at(side, 0.0021, turned)], [at(0, 0)])
        assert task.distances(outside, 0)[0] > task.tolerance


def follow(task, scenes, tolerance=0.01):
    """Returns the progress at each scene."""
    progress = [tasks.Progress.begin(task, scenes[0])]
    for scene in scenes[1:]:
        progress.append(progress[-1].after(task, scene, tolerance))
    return progress


def test_progress_is_the_maximum_closed_fraction():
    zone = at(0.4, 0.2)
    scenes = [Still(np.zeros(2), [at(0.4, y)], [zone]) for y in (-0.2, 0.0, -0.1, -0.3, 0.195)]
    progress = follow(tasks.SingleTarget(), scenes)
    fractions = [step.closed_fraction for step in progress]
    np.testing.assert_allclose(fractions, [0, 0.5, 0.5, 0.5, 0.9875])
    assert [step.success for step in progress] == [False] * 4 + [True]


def test_tolerance_is_a_distance():
    zone = at(0.4, 0.2)
    scenes = [Still(np.zeros(2), [at(0.4, y)], [zone]) for y in (-0.2, 0.185)]
    assert not follow(tasks.SingleTarget(), scenes, tolerance=0.0149)[-1].success
    assert follow(tasks.SingleTarget(), scenes, tolerance=0.0151)[-1].success


FIRST, SECOND = at(0.4, 0.0), at(0.4, 0.4)


def discontinuous(*positions):
    return follow(
        tasks.Discontinuous(),
        [Still(np.zeros(2), [at(*position)], [FIRST, SECOND]) for position in positions],
    )


def test_the_second_zone_requires_the_first():
    progress = discontinuous((0.4, -0.2), (0.6, 0.2), (0.4, 0.4))
    assert not progress[-1].success and progress[-1].num_completed == 0


def test_first_zone_then_second_succeeds():
    progress = discontinuous((0.4, -0.2), (0.4, 0.005), (0.6, 0.2), (0.4, 0.395))
    assert [step.num_completed for step in progress] == [0, 1, 1, 1]
    assert [step.success for step in progress] == [False, False, False, True]
    # 0.2 m to the first zone and 0.4 m between the zones.
    np.testing.assert_allclose(progress[0].distances.sum(), 0.6)
    np.testing.assert_allclose(progress[1].distances, [0.0, 0.395])


def test_the_first_zone_alone_does_not_succeed():
    progress = discontinuous((0.4, -0.2), (0.4, 0.0), (0.4, 0.0))
    assert not progress[-1].success


def multimodal(*blocks):
    zones = [at(0.3, 0.2), at(0.5, 0.2)]
    begin = [at(0.3, -0.2), at(0.5, -0.2)]
    scenes = [Still(np.zeros(2), begin, zones), Still(np.zeros(2), [at(*b) for b in blocks], zones)]
    return follow(tasks.Multimodal(), scenes)[-1]


@pytest.mark.parametrize("blocks", [[(0.3, 0.2), (0.5, 0.2)], [(0.5, 0.2), (0.3, 0.2)]])
def test_either_block_may_be_in_either_zone(blocks):
    progress = multimodal(*blocks)
    assert progress.success
    np.testing.assert_allclose(progress.closed_fraction, 1.0)


@pytest.mark.parametrize("blocks", [[(0.3, 0.2), (0.3, 0.201)], [(0.3, 0.2), (0.5, 0.18)]])
def test_each_zone_requires_a_block(blocks):
    assert not multimodal(*blocks).success


def test_a_block_that_leaves_its_zone_does_not_succeed():
    zones = [at(0.3, 0.2), at(0.5, 0.2)]
    ways = [
        [(0.3, -0.2), (0.5, -0.2)],
        [(0.3, 0.2), (0.5, -0.2)],
        [(0.3, 0.1), (0.5, 0.2)],
        [(0.3, 0.2), (0.5, 0.2)],
    ]
    scenes = [Still(np.zeros(2), [at(*block) for block in way], zones) for way in ways]
    progress = follow(tasks.Multimodal(), scenes)
    assert [step.success for step in progress] == [False, False, False, True]
