"""Episodes of the reference implementation agree with our block pushing."""

import json
import os
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.specs import array_spec

import data
from environments.block_pushing import (
    Appearance,
    BlockPushingEnvironment,
    Camera,
    SingleTarget,
    replay,
    tasks,
)
from environments.block_pushing.scene import Scene
from tests.system import helpers

FOLDER = pathlib.Path(
    os.environ.get("IBC_INTEROP_DATA", helpers.ROOT.parent / "shared" / "interop")
)
STATES, PIXELS = "push", "push_pixels"
IMAGE_SIZES = {STATES: None, PIXELS: (240, 320)}

pytestmark = [
    pytest.mark.interop,
    *(
        pytest.mark.skipif(
            not (FOLDER / name).is_dir(),
            reason=f"no such folder (IBC_INTEROP_DATA): {FOLDER / name}",
        )
        for name in IMAGE_SIZES
    ),
]


@pytest.fixture(scope="module")
def episodes():
    """Trajectories [L, ...] of both datasets, by name."""
    return {name: [e.frames for e in data.read_episodes(FOLDER / name)] for name in IMAGE_SIZES}


@pytest.fixture(scope="module")
def scene():
    made = make_scene(Appearance())
    yield made
    made.close()


def make_scene(appearance):
    return Scene(SingleTarget.blocks, SingleTarget.zones, appearance)


def row(nest, index):
    return tf.nest.map_structure(lambda leaf: np.asarray(leaf[index]), nest)


@pytest.mark.parametrize("name", IMAGE_SIZES)
def test_frames_satisfy_our_specs(episodes, name):
    environment = BlockPushingEnvironment(image_size=IMAGE_SIZES[name])
    specs = environment.time_step_spec()
    for frames in episodes[name]:
        assert len(frames.reward) <= environment.max_episode_steps + 1
        for index in range(len(frames.reward)):
            frame = row(frames, index)
            assert array_spec.check_arrays_nest(frame.observation, specs.observation)
            assert array_spec.check_arrays_nest(frame.action, environment.action_spec())
            assert array_spec.check_arrays_nest(frame.reward, specs.reward)
            assert array_spec.check_arrays_nest(frame.discount, specs.discount)


def test_rewards_and_discounts_equal_ours(episodes, scene):
    task = SingleTarget()
    for frames in episodes[STATES]:
        replay.place(scene, row(frames.observation, 0))
        progress = tasks.Progress.begin(task, scene)
        for index in range(len(frames.reward) - 1):
            replay.place(scene, row(frames.observation, index + 1))
            progress = progress.after(task, scene, task.tolerance)
            reward = 1.0 if progress.success else progress.closed_fraction
            np.testing.assert_allclose(frames.reward[index], reward, atol=1e-6)
            assert frames.discount[index] == (0.0 if progress.success else 1.0)
        assert progress.success


def test_open_loop_replay_follows_their_episodes(episodes, scene):
    followed = [
        replay.follow(scene, frames.observation, frames.action, one_step=False)
        for frames in episodes[STATES]
    ]
    effector = np.concatenate([errors.effector for errors in followed])
    assert effector.mean() < 0.001 and effector.max() < 0.0025
    # Later, fractions of a millimeter decide on which side of the effector the block slips off.
    blocks = np.array([errors.blocks[:10, 0] for errors in followed])
    assert blocks[:, :5].max() < 0.0001
    assert blocks.max() < 0.004


def test_one_step_replay_follows_their_episodes(episodes, scene):
    followed = [
        replay.follow(scene, frames.observation, frames.action, one_step=True)
        for frames in episodes[STATES]
    ]
    effector, blocks, yaws = (np.concatenate(column) for column in zip(*followed))
    assert effector.mean() < 0.001 and effector.max() < 0.0025
    assert blocks.mean() < 0.001 and blocks.max() < 0.004
    assert np.degrees(yaws.mean()) < 1.5 and np.degrees(yaws.max()) < 7


def center_of_block(image):
    """Row and column. The red link of the arm is above the block in the initial pose."""
    below = image[120:].astype(int)
    red = below[..., 0] - below[..., 1:].max(axis=-1) > 60
    assert red.sum() > 100
    return np.mean(np.nonzero(red), axis=1)


def test_our_camera_agrees_with_theirs(episodes):
    detailed = make_scene(Appearance(detailed=True))
    for frames in episodes[PIXELS]:
        first = row(frames.observation, 0)
        replay.place(detailed, first)
        ours = detailed.render(Camera(), *IMAGE_SIZES[PIXELS])
        np.testing.assert_allclose(center_of_block(ours), center_of_block(first["rgb"]), atol=0.5)
    detailed.close()


TINY_IMAGES = (
    "BlockPushingEnvironment.image_size=(240, 320)",
    "BlockPushingEnvironment.observe_states=True",
    "BlockPushingEnvironment.camera=None",
    "BlockPushingEnvironment.appearance=@Appearance()",
    "Appearance.detailed=True",
    "PixelEncoder.size=(45, 60)",
    "ConvStrided.channels=(4, 4, 4)",
    "TrainingSettings.batch_size=8",
)


@pytest.mark.parametrize(
    ("task", "method", "dataset", "steps", "values"),
    [
        ("pushing_states", "ibc_derivative_free", STATES, 60, ()),
        ("pushing_pixels", "mse", PIXELS, 20, TINY_IMAGES),
    ],
    ids=[STATES, PIXELS],
)
def test_trains_on_their_episodes_and_acts_in_our_environment(
    tmp_path, task, method, dataset, steps, values
):
    arguments = helpers.small_run(
        tmp_path / "run",
        tmp_path / "data",
        steps,
        f"DemonstrationSettings.dataset='{FOLDER / dataset}'",
        "TrainingSettings.summary_interval=1",
        "CosineDecay.initial_learning_rate=0.01",
        "EvaluationSettings.num_episodes=1",
        helpers.IN_MEMORY,
        *values,
        task=task,
        method=method,
    )
    done = helpers.call("ibc_agents.train", *arguments)
    assert done.returncode == 0, done
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert results["dataset"]["name"] == dataset and results["skipped_steps"] == 0
    (outcome,) = results["episodes"]
    # The environment rejected no action.
    assert 1 <= outcome["steps"] <= 100 and 0 <= outcome["total_reward"] <= 100
    losses = list(helpers.scalars(tmp_path / "run" / "train")["loss"].values())
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])
