"""Properties of block pushing beyond those of the conformance suite."""

import functools

import numpy as np
import pytest

from environments.block_pushing import (
    Appearance,
    BlockPushingEnvironment,
    Camera,
    Discontinuous,
    Insert,
    Multimodal,
    Reach,
    SingleTarget,
    SingleTargetDemonstrator,
)
from tests.conformance.environment_suite import assert_equal

LEFT, RIGHT = np.array([0.0, -0.1], np.float32), np.array([0.0, 0.1], np.float32)


def begin(environment, seed=0):
    environment.seed(seed)
    return environment.reset()


def test_task_and_limits_are_the_published_ones():
    limits = {SingleTarget: 100, Reach: 50, Discontinuous: 200, Multimodal: 200}
    for task, steps in limits.items():
        assert BlockPushingEnvironment(task()).max_episode_steps == steps
    environment = BlockPushingEnvironment()
    assert environment.name == "pushing" and environment.max_episode_steps == 100
    observation = begin(environment).observation
    np.testing.assert_allclose(observation["effector_translation"], [0.3, -0.4], atol=1e-5)
    np.testing.assert_allclose(observation["effector_target_translation"], [0.3, -0.4], atol=1e-6)


@pytest.mark.parametrize(
    ("task", "keys"),
    [
        (SingleTarget, ["block", "target"]),
        (Reach, ["target"]),
        (Discontinuous, ["block", "target", "target2"]),
        (Multimodal, ["block", "block2", "target", "target2"]),
        (Insert, ["block", "target"]),
    ],
)
def test_observation_keys(task, keys):
    expected = {"effector_translation", "effector_target_translation"}
    for key in keys:
        expected |= {f"{key}_translation", f"{key}_orientation"}
    environment = BlockPushingEnvironment(task())
    assert set(environment.observation_spec()) == expected == set(begin(environment).observation)


def test_name_contains_every_option_that_changes_the_data():
    make = BlockPushingEnvironment
    names = [
        make().name,
        make(Discontinuous()).name,
        make(tolerance=0.02).name,
        make(image_size=(9, 12)).name,
        make(image_size=(12, 9)).name,
        make(image_size=(9, 12), observe_states=False).name,
        make(image_size=(9, 12), appearance=Appearance(detailed=True)).name,
        make(image_size=(9, 12), camera=Camera(position=(0.9, 0.0, 0.7), name="near")).name,
    ]
    assert len(set(names)) == len(names)
    assert make(tolerance=0.01).name == make().name == "pushing"
    assert make(Insert(), tolerance=0.002).name == make(Insert()).name == "pushing_insert"
    assert make(Insert(), tolerance=0.01).name != make(Insert()).name
    # The appearance changes only images.
    assert make(appearance=Appearance(detailed=True)).name == "pushing"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"tolerance": 0.0}, "tolerance"),
        ({"tolerance": -1.0}, "tolerance"),
        ({"observe_states": False}, "observation would be empty"),
        ({"image_size": (0, 10)}, "image_size"),
        ({"image_size": (10,)}, "image_size"),
    ],
)
def test_invalid_arguments_are_rejected(arguments, words):
    with pytest.raises(ValueError, match=words):
        BlockPushingEnvironment(**arguments)


def test_set_point_moves_by_the_action_within_its_limits():
    environment = BlockPushingEnvironment(Reach())
    step = begin(environment)
    move = np.array([0.013, -0.021], np.float32)
    step = environment.step(move)
    found = step.observation["effector_target_translation"]
    np.testing.assert_allclose(found, [0.313, -0.421], atol=1e-6)
    for signs, limit in (((1, 1), (0.7, 0.5)), ((-1, -1), (0.15, -0.5))):
        for _ in range(11):
            step = environment.step(0.1 * np.array(signs, np.float32))
        found = step.observation["effector_target_translation"]
        np.testing.assert_allclose(found, limit, atol=1e-6)


def test_effector_follows_and_keeps_within_the_arms_reach():
    environment = BlockPushingEnvironment(Reach())
    begin(environment)
    for _ in range(8):
        step = environment.step(np.array([0.1, 0.0], np.float32))
    np.testing.assert_allclose(step.observation["effector_target_translation"], [0.7, -0.4])
    distance = np.linalg.norm(step.observation["effector_translation"])
    np.testing.assert_allclose(distance, 0.705, atol=1e-3)  # the set point is at 0.806


def test_step_limit_has_discount_one_and_rewards_never_decrease():
    environment = BlockPushingEnvironment()
    step, rewards = begin(environment), []
    while not step.is_last():
        step = environment.step(np.array([0.0, 0.05], np.float32))
        rewards.append(float(step.reward))
    assert len(rewards) == 100 and not environment.success
    assert step.discount == 1.0
    assert np.all(np.diff(rewards) >= 0) and 0 <= rewards[0] and rewards[-1] < 1


def demonstrate(environment, seed):
    demonstrator = SingleTargetDemonstrator(environment)
    step, steps = begin(environment, seed), []
    state = demonstrator.get_initial_state()
    while not step.is_last():
        decided = demonstrator.action(step, state)
        state = decided.state
        step = environment.step(decided.action)
        steps.append(step)
    return steps


def test_success_has_discount_zero_and_reward_one():
    environment = BlockPushingEnvironment()
    steps = demonstrate(environment, 3)
    assert environment.success and environment.goal_distance <= 0.01
    assert steps[-1].discount == 0.0 and steps[-1].reward == 1.0
    assert all(step.reward < 1.0 and step.discount == 1.0 for step in steps[:-1])


def test_a_larger_tolerance_ends_the_same_episode_earlier():
    exact, wide = BlockPushingEnvironment(), BlockPushingEnvironment(tolerance=0.04)
    all_steps, fewer = demonstrate(exact, 3), demonstrate(wide, 3)
    assert len(fewer) < len(all_steps)
    for short, long in zip(fewer[:-1], all_steps, strict=False):
        assert_equal(short, long)
    assert 0.01 < wide.goal_distance <= 0.04


def test_goal_distance_is_the_sum_of_distances():
    environment = BlockPushingEnvironment()
    assert np.isnan(environment.goal_distance)
    observation = begin(environment).observation
    away = observation["block_translation"] - observation["target_translation"]
    np.testing.assert_allclose(environment.goal_distance, np.linalg.norm(away), rtol=1e-6)


def test_images_have_the_requested_size_and_are_reproducible():
    make = functools.partial(BlockPushingEnvironment, image_size=(45, 60))
    one, other = make(), make()
    steps = [begin(environment, 5) for environment in (one, other)]
    for move in (LEFT, RIGHT, RIGHT):
        assert_equal(*steps)
        image = steps[0].observation["rgb"]
        assert (image.shape, image.dtype) == ((45, 60, 3), np.uint8)
        assert len(np.unique(image.reshape(-1, 3), axis=0)) > 10
        steps = [environment.step(move) for environment in (one, other)]


@pytest.mark.parametrize("detailed", [False, True])
def test_images_show_block_zone_and_arm(detailed):
    """There are red and green pixels, and pixels that change as the arm moves."""
    environment = BlockPushingEnvironment(
        image_size=(90, 120), observe_states=False, appearance=Appearance(detailed)
    )
    first = begin(environment).observation["rgb"].astype(int)
    for _ in range(3):
        last = environment.step(RIGHT).observation["rgb"].astype(int)
    table = slice(40, 90)
    for channel in (0, 1):
        others = np.delete(first[table], channel, axis=-1).max(axis=-1)
        assert np.sum(first[table][..., channel] > others + 80) >= 10
    assert np.any(np.abs(first - last) > 50)


def test_rendering_does_not_change_the_physics():
    plain = BlockPushingEnvironment()
    seeing = BlockPushingEnvironment(image_size=(9, 12), appearance=Appearance(detailed=True))
    steps = begin(plain, 1), begin(seeing, 1)
    rng = np.random.default_rng(0)
    for _ in range(30):
        observation = dict(steps[1].observation)
        del observation["rgb"]
        assert_equal(steps[0].observation, observation)
        move = rng.uniform(-0.1, 0.1, 2).astype(np.float32)
        steps = plain.step(move), seeing.step(move)


def test_states_are_available_when_they_are_not_observed():
    environment = BlockPushingEnvironment(image_size=(9, 12), observe_states=False)
    assert set(begin(environment).observation) == {"rgb"}
    assert set(environment.states) == set(BlockPushingEnvironment().observation_spec())


def test_a_custom_camera_changes_the_images():
    front = BlockPushingEnvironment(image_size=(30, 40))
    above = BlockPushingEnvironment(
        image_size=(30, 40), camera=Camera((0.41, 0.0, 1.5), (0.4, 0.0, 0.0), name="above")
    )
    images = [begin(environment, 2).observation["rgb"] for environment in (front, above)]
    assert np.any(images[0] != images[1])
