"""Replays reproduce our own episodes and measure differences correctly."""

import numpy as np
import pytest

from environments.block_pushing import (
    Appearance,
    BlockPushingEnvironment,
    Multimodal,
    SingleTarget,
    SingleTargetDemonstrator,
    replay,
)
from environments.block_pushing.scene import Scene


@pytest.fixture(scope="module")
def recording():
    """One of our demonstrations: observations [L, ...] by name, and actions [L, 2]."""
    environment = BlockPushingEnvironment()
    demonstrator = SingleTargetDemonstrator(environment)
    environment.seed(3)
    step, state = environment.reset(), demonstrator.get_initial_state()
    frames, actions = [], []
    while not step.is_last():
        action, state, _ = demonstrator.action(step, state)
        frames.append(step.observation)
        actions.append(action)
        step = environment.step(action)
    frames.append(step.observation)
    actions.append(actions[-1])
    return {name: np.array([f[name] for f in frames]) for name in frames[0]}, np.array(actions)


@pytest.fixture
def scene():
    made = Scene(SingleTarget.blocks, SingleTarget.zones, Appearance())
    yield made
    made.close()


def test_open_loop_replay_reproduces_our_episode(scene, recording):
    errors = replay.follow(scene, *recording, one_step=False)
    moved = np.linalg.norm(np.diff(recording[0]["block_translation"], axis=0), axis=1)
    touched = np.flatnonzero(moved > 0.001)[0]
    assert errors.effector.max() < 0.0001
    # Until the first contact. Afterwards the float32 rounding errors grow.
    assert errors.blocks[: touched + 1].max() < 0.0001
    assert np.degrees(errors.yaws[: touched + 1].max()) < 0.1


def test_one_step_replay_reproduces_our_episode(scene, recording):
    observations, actions = recording
    errors = replay.follow(scene, observations, actions, one_step=True)
    assert errors.effector.shape == (len(actions) - 1,)
    assert errors.blocks.shape == errors.yaws.shape == (len(actions) - 1, 1)
    assert errors.effector.max() < 0.0005
    # A pushed block tilts by up to 6 degrees, which is not observed.
    assert errors.blocks.mean() < 0.0015 and errors.blocks.max() < 0.005


@pytest.mark.parametrize("one_step", [False, True])
def test_errors_are_the_differences_of_scene_and_recording(one_step):
    """Nothing moves in the scene. In the recording, the second block moves in the first step."""
    environment = BlockPushingEnvironment(Multimodal())
    environment.seed(0)
    first = environment.reset().observation
    first["block2_orientation"] = np.array([3.1], np.float32)
    frames = {name: np.array([value] * 3) for name, value in first.items()}
    frames["block2_translation"][1:] += np.array([0.003, 0.004], np.float32)
    frames["block2_orientation"][1:] = -3.1
    frames["effector_translation"][2] += np.array([0.0, 0.001], np.float32)
    made = Scene(Multimodal.blocks, Multimodal.zones, Appearance())
    found = replay.follow(made, frames, np.zeros([3, 2], np.float32), one_step)
    made.close()
    still = [0.0, 0.0]
    away = [0.0, 0.005], [0.0, 2 * (np.pi - 3.1)]
    np.testing.assert_allclose(found.effector, [0.0, 0.001], atol=1e-5)
    np.testing.assert_allclose(found.blocks, [away[0], still if one_step else away[0]], atol=1e-5)
    np.testing.assert_allclose(found.yaws, [away[1], still if one_step else away[1]], atol=1e-3)


def test_place_resets_a_scene_to_an_observation():
    environment = BlockPushingEnvironment(Multimodal())
    environment.seed(1)
    observation = dict(environment.reset().observation)
    observation["effector_translation"] = np.array([0.5, 0.3], np.float32)
    made = Scene(Multimodal.blocks, Multimodal.zones, Appearance())
    replay.place(made, observation)
    np.testing.assert_allclose(made.effector, [0.5, 0.3], atol=1e-5)
    for poses, kind in ((made.blocks, "block"), (made.zones, "target")):
        for pose, name in zip(poses, (kind, f"{kind}2"), strict=True):
            np.testing.assert_allclose(pose.position, observation[f"{name}_translation"], atol=1e-6)
            np.testing.assert_allclose(pose.yaw, observation[f"{name}_orientation"][0], atol=1e-6)
    made.close()
