"""Push-T: observations, score and end of an episode."""

import numpy as np
import pytest
from tf_agents.trajectories import time_step as ts

from environments.push_t import PushTEnvironment, geometry

TARGET = np.array(geometry.TARGET)
CORNER = np.array([20.0, 20.0], np.float32)


def shifted(dx, dy=0.0):
    return TARGET + (dx, dy, 0.0)


def begun(block_pose, agent_pos=CORNER, **options):
    environment = PushTEnvironment(**options)
    environment.seed(0)
    return environment, environment.reset_to(agent_pos, block_pose)


@pytest.mark.parametrize("kind", ["states", "keypoints", "pixels"])
def test_observations_describe_the_same_state(kind):
    environment, step = begun([200.0, 300.0, 1.0], observation=kind)
    assert environment.name == f"push_t_{kind}"
    np.testing.assert_allclose(step.observation["agent_pos"], CORNER)
    (name,) = step.observation.keys() - {"agent_pos"}
    leaf = step.observation[name]
    if kind == "states":
        np.testing.assert_allclose(leaf, [200.0, 300.0, 1.0], rtol=1e-6)
    elif kind == "keypoints":
        points = geometry.Pose(200.0, 300.0, 1.0).transform(geometry.KEYPOINTS)
        np.testing.assert_allclose(leaf.reshape(9, 2), points, rtol=1e-6)
    else:
        assert leaf.dtype == np.uint8 and leaf.shape == (96, 96, 3)
        at = (CORNER * 96 / 512).astype(int)
        assert leaf[at[1], at[0], 2] > leaf[at[1], at[0], 0]  # the disc is blue


def test_angles_are_between_zero_and_a_full_turn():
    _, step = begun([200.0, 300.0, -1.0])
    assert step.observation["block_pose"][2] == pytest.approx(2 * np.pi - 1.0)


def test_an_unknown_observation_raises():
    with pytest.raises(
        ValueError, match="observation must be one of 'states', 'keypoints', 'pixels'"
    ):
        PushTEnvironment("images")


@pytest.mark.parametrize("dx, dy", [(0.0, 0.0), (10.0, 0.0), (0.0, -25.0), (150.0, 150.0)])
def test_overlap_is_the_covered_fraction_of_the_target(dx, dy):
    """Compared with a count of points on a fine grid."""
    grid = np.stack(np.meshgrid(*[np.arange(0.25, 512, 0.5)] * 2), axis=-1)

    def covers(pose):
        back = geometry.Pose(0.0, 0.0, -pose[2]).transform(grid - pose[:2])
        bars = [
            np.all((back > bar.min(axis=0)) & (back < bar.max(axis=0)), axis=-1)
            for bar in geometry.BARS
        ]
        return np.logical_or(*bars)

    target, block = covers(TARGET), covers(shifted(dx, dy))
    expected = (target & block).sum() / target.sum()
    assert geometry.overlap(geometry.Pose(*shifted(dx, dy))) == pytest.approx(expected, abs=5e-3)


def test_the_return_is_the_largest_score():
    environment, step = begun([256.0, 220.0, np.pi / 4], [180.0, 256.0])
    scores, rewards = [], []
    for x in np.linspace(200.0, 480.0, 60):  # pushes the block across the target
        step = environment.step(np.array([x, 256.0], np.float32))
        pose = geometry.Pose(*map(float, step.observation["block_pose"]))
        scores.append(min(geometry.overlap(pose) / 0.95, 1.0))
        rewards.append(float(step.reward))
    assert scores[-1] < max(scores) - 0.2
    assert min(rewards) == 0.0
    assert sum(rewards) == pytest.approx(max(scores), abs=1e-4)


def test_success_terminates_the_episode():
    environment, _ = begun(shifted(0.5))
    step = environment.step(CORNER)
    assert environment.success
    assert (step.step_type, step.discount, step.reward) == (ts.StepType.LAST, 0.0, 1.0)


def test_an_episode_of_300_steps_is_truncated():
    environment, step = begun([400.0, 400.0, 0.0])
    count = 0
    while not step.is_last():
        step = environment.step(CORNER)
        count += 1
    assert (count, step.discount, environment.success) == (300, 1.0, False)


def test_the_disc_moves_to_the_set_point_without_overshoot():
    environment, _ = begun([256.0, 400.0, 0.0])
    goal = np.array([480.0, 20.0], np.float32)
    positions = [environment.step(goal).observation["agent_pos"][0] for _ in range(20)]
    assert np.all(np.diff(positions) > -1e-3) and max(positions) <= 480.5
    assert positions[-1] == pytest.approx(480.0, abs=0.1)


def test_initial_states_have_the_published_ranges():
    environment = PushTEnvironment()
    environment.seed(0)
    discs, poses = [], []
    for _ in range(200):
        observation = environment.reset().observation
        discs.append(observation["agent_pos"])
        poses.append(observation["block_pose"])
    discs, poses = np.array(discs), np.array(poses)
    assert discs.min() >= 50 and discs.max() < 450 and np.ptp(discs) > 350
    assert np.ptp(poses[:, 2]) > 5.5
    # The block turns about its center of gravity after it is placed in [100, 400].
    assert poses[:, :2].min() > 0 and poses[:, :2].max() < 500 and np.ptp(poses[:, :2]) > 300
