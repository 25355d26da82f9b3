"""Dynamics and rewards of the Adroit tasks agree with gymnasium-robotics.

In its door, hammer and relocate tasks, the reward of the distance from palm to object has the wrong
sign, according to D4RL and the rewards of the human demonstrations. The tests correct this term.
"""

import warnings

import numpy as np
import pytest

from environments import d4rl

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    gymnasium = pytest.importorskip("gymnasium")
    gymnasium_robotics = pytest.importorskip("gymnasium_robotics")

ENVIRONMENTS = {
    "Pen": d4rl.PenEnvironment,
    "Hammer": d4rl.HammerEnvironment,
    "Door": d4rl.DoorEnvironment,
    "Relocate": d4rl.RelocateEnvironment,
}
STEPS = 100


@pytest.fixture(params=ENVIRONMENTS)
def name(request):
    return request.param


@pytest.fixture
def theirs(name):
    gymnasium.register_envs(gymnasium_robotics)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = gymnasium.make(f"AdroitHand{name}-v1").unwrapped
    yield made
    made.close()


def palm_to_object(name, observation):
    """Returns the distance in meters."""
    where = {"Hammer": observation[33:36] - observation[36:39], "Door": observation[35:38]}
    return np.linalg.norm(where.get(name, observation[30:33]))


def corrected(name, observation, reward):
    """Corrects the sign of the term for the distance from palm to object."""
    return reward if name == "Pen" else reward - 2 * 0.1 * palm_to_object(name, observation)


def assert_like_theirs(found, expected):
    """Compares pairs of observation and reward."""
    for mine, other in zip(zip(*found, strict=True), zip(*expected, strict=True), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-5)


def test_observations_and_rewards_agree(name, theirs):
    """Our episode starts at the first observation of theirs.

    Each action is repeated, so that the hand moves far and has contacts.
    """
    ours = ENVIRONMENTS[name]()
    first, _ = theirs.reset(seed=3)
    found, expected = [(ours.reset_to(first).observation, 0.0)], [(first, 0.0)]
    rng = np.random.default_rng(1)
    while not ours.current_time_step().is_last() and len(found) <= STEPS:
        if len(found) % 20 == 1:
            action = rng.uniform(-1.0, 1.0, ours.action_spec().shape).astype(np.float32)
        observation, reward, *_ = theirs.step(action)
        expected.append((observation, corrected(name, observation, reward)))
        step = ours.step(action)
        found.append((step.observation, step.reward))
    assert len(found) > 20
    assert_like_theirs(found, expected)


def accomplish(name, model, data):
    """Moves objects to the goal of the task."""
    if name == "Pen":
        model.body("target").quat = data.body("Object").xquat
    elif name == "Hammer":
        data.joint("nail_dir").qpos = 0.09
    elif name == "Door":
        data.joint("door_hinge").qpos = 1.5
    else:
        for axis, joint in enumerate(("OBJTx", "OBJTy", "OBJTz")):
            away = data.site("target").xpos[axis] - data.body("Object").xpos[axis]
            data.joint(joint).qpos += away


BONUSES = {"Pen": 60.0, "Hammer": 100.0, "Door": 20.0, "Relocate": 30.0}


def test_bonuses_agree(name, theirs):
    ours = ENVIRONMENTS[name]()
    first, _ = theirs.reset(seed=5)
    ours.reset_to(first)
    accomplish(name, theirs.model, theirs.data)
    accomplish(name, ours._simulation.model, ours._simulation.data)
    action = np.zeros(ours.action_spec().shape, np.float32)
    found, expected = [], []
    for _ in range(10):
        observation, reward, *_, info = theirs.step(action)
        expected.append((observation, corrected(name, observation, reward)))
        step = ours.step(action)
        found.append((step.observation, step.reward))
        assert ours._evaluate().at_goal == info["success"]
    assert_like_theirs(found, expected)
    assert found[0][1] > 0.9 * BONUSES[name]


def test_models_agree(name, theirs):
    ours = ENVIRONMENTS[name]()._simulation.model
    for field in (
        *("body_mass", "body_inertia", "dof_damping", "dof_armature", "dof_frictionloss"),
        *("geom_friction", "geom_size", "geom_solref", "geom_solimp", "jnt_range"),
        *("actuator_gainprm", "actuator_biasprm", "actuator_ctrlrange"),
    ):
        np.testing.assert_array_equal(getattr(ours, field), getattr(theirs.model, field), field)
