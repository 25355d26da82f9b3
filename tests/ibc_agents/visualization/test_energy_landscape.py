"""Landscapes hold the agent's energy on a grid and the policy's search."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.specs import tensor_spec

from data.episodes import dataset_statistics as data_statistics
from ibc_agents import policies, samplers
from ibc_agents.core import normalizer as normalizer_lib
from ibc_agents.visualization import energy_landscape, landscape_moments
from tests.ibc_agents import helpers

RESOLUTION = 41
SEED = tf.constant([[3, 4]], tf.int32)


@pytest.fixture(scope="module")
def agent():
    """The energy is 20 |a − goal|², with a scaled action and a normalized goal."""
    return helpers.make_agent(
        energy_network=helpers.CountingEnergyNetwork(),
        policy_search=policies.PolicySearch(samplers.DerivativeFree(4), 32),
    )


@pytest.fixture(scope="module")
def window():
    return {
        "goal": tf.constant([[[9.0, 9.0], [0.3, -0.2]]]),  # the newest frame counts
        "position": tf.zeros([1, 2, 2]),
    }


def flat(agent, scaled):
    return agent.normalizer.unscale_action(tf.constant(scaled, tf.float32)).numpy()


def goal(agent, window):
    """Returns the scaled action of the lowest energy."""
    return agent.normalizer.normalize_observation(window)["goal"][0, -1].numpy()


def test_energies_are_the_agents_on_a_grid_in_raw_units(agent, window):
    shown = energy_landscape.Landscapes(agent, resolution=RESOLUTION).at(
        landscape_moments.Moment(window, SEED)
    )
    energy = agent.energy_function(window)
    for i, j in [(0, 0), (40, 3), (17, 25), (20, 40)]:
        raw = np.array([shown.axes[0][i], shown.axes[1][j]])
        scaled = agent.normalizer.scale_action(raw)
        np.testing.assert_allclose(shown.energies[i, j], energy(scaled[None, None])[0, 0], 1e-4)
    bounds = agent.normalizer.bounds
    for end, bound in zip((0, -1), bounds, strict=True):
        np.testing.assert_allclose([axis[end] for axis in shown.axes], flat(agent, bound), 1e-5)
    assert shown.heights.min() == 0
    np.testing.assert_allclose(np.ptp(shown.heights), np.ptp(shown.energies))


def test_many_actions_are_scored_in_parts(agent, window, monkeypatch):
    whole = energy_landscape.Landscapes(agent, resolution=RESOLUTION).at(
        landscape_moments.Moment(window, SEED)
    )
    monkeypatch.setattr(energy_landscape, "_CHUNK", 100)
    parts = energy_landscape.Landscapes(agent, resolution=RESOLUTION).at(
        landscape_moments.Moment(window, SEED)
    )
    np.testing.assert_allclose(parts.energies, whole.energies, rtol=1e-6)


def test_lowest_of_a_quadratic_is_its_center(agent, window):
    shown = energy_landscape.Landscapes(agent, resolution=RESOLUTION).at(
        landscape_moments.Moment(window, SEED)
    )
    steps = [axis[1] - axis[0] for axis in shown.axes]
    away = np.abs(shown.lowest - flat(agent, goal(agent, window)))
    assert (away <= 0.51 * np.array(steps)).all()
    # The policy's action is no grid point, and nearer than its samples.
    assert (np.abs(shown.chosen - flat(agent, goal(agent, window))) < 5 * np.array(steps)).all()


@pytest.mark.parametrize("hold_chosen", [False, True])
@pytest.mark.parametrize("demonstrated", [None, [0.25, 0.5]])
def test_other_dimensions_are_held(agent, window, demonstrated, hold_chosen):
    action = None if demonstrated is None else np.array(demonstrated, np.float32)
    shown = energy_landscape.Landscapes(agent, [1], RESOLUTION).at(
        landscape_moments.Moment(window, SEED, action), hold_chosen
    )
    held = shown.chosen if demonstrated is None or hold_chosen else action
    np.testing.assert_allclose(shown.held, held, atol=1e-6)
    (axis,) = shown.axes
    raw = np.stack([np.full_like(axis, held[0]), axis], axis=-1)
    energies = agent.energy_function(window)(agent.normalizer.scale_action(raw)[None])
    np.testing.assert_allclose(shown.energies, energies[0], rtol=1e-4, atol=1e-4)
    if demonstrated is None:
        assert shown.demonstrated is None
    else:
        np.testing.assert_allclose(shown.demonstrated, action, atol=1e-6)


def test_samples_and_trace_are_those_of_the_policy(agent, window):
    shown = energy_landscape.Landscapes(agent, resolution=2).at(
        landscape_moments.Moment(window, SEED)
    )
    found = agent.policy.optimize(window, SEED, trace=True)
    for ours, scaled in ((shown.samples, found.actions[0]), (shown.trace, found.trace[:, 0])):
        np.testing.assert_allclose(ours, flat(agent, scaled), atol=1e-5)
    best = found.actions[0, np.argmin(found.energies)]
    np.testing.assert_allclose(shown.chosen, flat(agent, best), atol=1e-5)
    np.testing.assert_array_equal(shown.parents, found.parents[:, 0])


def test_lineages_follow_the_parents_back(agent, window):
    shown = energy_landscape.Landscapes(agent, resolution=2).at(
        landscape_moments.Moment(window, SEED)
    )
    shown = dataclasses.replace(
        shown,
        trace=np.array([[[0.0], [1], [2]], [[10], [11], [12]], [[20], [21], [22]]]),
        parents=np.array([[2, 2, 0], [1, 0, 2]]),
    )
    wanted = [[2.0, 11, 20], [2, 10, 21], [0, 12, 22]]
    for number in (1, 3, 9):
        np.testing.assert_array_equal(shown.lineages(number)[..., 0].T, wanted[:number])
    assert dataclasses.replace(shown, parents=None).lineages(3) is None


def test_landscapes_follow_the_weights(window):
    """The traced function reads the variables of the agent."""
    agent = helpers.make_agent()
    landscapes = energy_landscape.Landscapes(agent, resolution=3)
    before = landscapes.at(landscape_moments.Moment(window, SEED))
    agent.train(helpers.make_experience(64, 2))
    after = landscapes.at(landscape_moments.Moment(window, SEED))
    assert (before.energies != after.energies).any()
    assert (before.samples != after.samples).any()


def test_nested_actions_are_flat_and_named(window):
    spec = {
        "arm": tensor_spec.BoundedTensorSpec((2,), tf.float64, -1.0, 1.0),
        "grip": tensor_spec.BoundedTensorSpec((), tf.float32, 0.0, 2.0),
    }
    statistics = data_statistics.Statistics(
        {key: helpers.leaf_statistics(np.eye(2)) for key in helpers.OBSERVATION_SPEC},
        {
            "arm": helpers.leaf_statistics(np.array([[-0.5, -1.0], [0.5, 1.0]])),
            "grip": helpers.leaf_statistics(np.array([0.0, 1.0]), leaf_rank=0),
        },
    )
    agent = helpers.make_agent(
        action_spec=spec,
        normalizer=normalizer_lib.Normalizer.from_statistics(
            statistics, helpers.OBSERVATION_SPEC, spec
        ),
    )
    demonstrated = {"arm": np.array([0.1, -0.3]), "grip": np.float32(0.75)}
    shown = energy_landscape.Landscapes(agent, [2, 0], 5).at(
        landscape_moments.Moment(window, SEED, demonstrated)
    )
    assert shown.names == ("arm[0]", "arm[1]", "grip")
    np.testing.assert_allclose(shown.held, [0.1, -0.3, 0.75], atol=1e-6)
    np.testing.assert_allclose(shown.axes[0][[0, -1]], [0.0, 1.05], atol=1e-6)
    np.testing.assert_allclose(shown.axes[1][[0, -1]], [-0.55, 0.55], atol=1e-6)


@pytest.mark.parametrize(("constant", "drawn"), [([], (0, 1)), ([0], (1,)), ([0, 1], (0,))])
def test_constant_dimensions_are_not_drawn_by_default(constant, drawn):
    experience = helpers.make_experience(50, 1)
    action = experience.action.numpy()
    action[..., constant] = 0.5
    normalizer = normalizer_lib.Normalizer.from_dataset(
        [experience._replace(action=tf.constant(action))],
        helpers.OBSERVATION_SPEC,
        helpers.ACTION_SPEC,
    )
    agent = helpers.make_agent(normalizer=normalizer)
    assert energy_landscape.Landscapes(agent).dimensions == drawn
    for dimension in constant:
        with pytest.raises(ValueError, match=f"dimension {dimension} is the same in all"):
            energy_landscape.Landscapes(agent, [dimension])


@pytest.mark.parametrize(
    ("dimensions", "resolution", "problem"),
    [
        ([0, 2], 5, r"dimensions of actions are 0 to 1, got \[0, 2\]"),
        ([-1], 5, "0 to 1"),
        ([1, 1], 5, "one or two different"),
        ([], 5, "one or two different"),
        ([0], 1, "resolution must be at least 2, got 1"),
    ],
)
def test_invalid_dimensions_and_resolutions_are_rejected(agent, dimensions, resolution, problem):
    with pytest.raises(ValueError, match=problem):
        energy_landscape.Landscapes(agent, dimensions, resolution)
