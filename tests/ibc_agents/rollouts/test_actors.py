"""Actors act by policies and demonstrators, and select the recorded actions."""

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.policies import random_tf_policy
from tf_agents.specs import tensor_spec

from environments import base
from environments.particle import ParticleDemonstrator, ParticleEnvironment
from ibc_agents.core import errors
from ibc_agents.rollouts import actors, recorders, rollout_seeds
from tests.ibc_agents import helpers

ROWS = 6
SEEDS = [rollout_seeds.for_evaluation(0, episode) for episode in range(ROWS)]


class CornerActor:
    """Moves to the corner, which has no goal, and counts its steps."""

    def __init__(self, environment):
        self._zero = np.zeros([ROWS, *environment.action_spec().shape], np.float32)

    def initial_state(self, seeds):
        return np.zeros(len(seeds), int)

    def act(self, time_step, state):
        return actors.ActorStep(self._zero, self._zero, state + 1)


@pytest.fixture
def environment():
    environment = base.vectorize(ParticleEnvironment, ROWS)
    yield environment
    environment.close()


def demonstrator(environment):
    return actors.DemonstratorActor(ParticleDemonstrator(environment))


def run(environment, actor):
    return recorders.record_episodes(environment, actor, SEEDS)


def run_mixed(environment, share, relabel):
    policy = CornerActor(environment)
    mixed = actors.MixedActor(policy, demonstrator(environment), share, relabel)
    return run(environment, mixed)


def positions(episode):
    return episode.frames.observation["pos_agent"]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_an_environment_that_emits_nan_is_named(bad):
    policy = helpers.make_mse_agent().policy
    actor = actors.PolicyActor(policy)
    time_step = helpers.numpy(helpers.make_time_step(2))
    time_step.observation["goal"][1, 0] = bad
    with pytest.raises(errors.RunError, match="emits a NaN or infinite observation/goal"):
        actor.act(time_step, actor.initial_state(np.zeros([2, 2], np.int32)))


def test_relabeling_records_the_demonstrators_actions_where_the_policy_acts(environment):
    relabeled = run_mixed(environment, 0.0, relabel=True)
    alone = run(environment, CornerActor(environment))
    for (found, success), (episode, _) in zip(relabeled, alone, strict=True):
        assert np.array_equal(positions(found), positions(episode))
        assert not success and not episode.frames.action.any()
        is_goal = [
            np.isclose(found.frames.action, found.frames.observation[f"pos_{name}_goal"]).all(1)
            for name in ("first", "second")
        ]
        assert np.logical_or(*is_goal).all()


def test_each_acts_in_its_episodes_and_its_own_actions_are_recorded(environment):
    recorded = run_mixed(environment, 0.5, relabel=False)
    demonstrated = [episode.frames.action.max() > 0.0 for episode, _ in recorded]
    assert 0 < sum(demonstrated) < ROWS
    assert demonstrated == [success for _, success in recorded]


def test_who_acts_depends_on_the_seeds_of_the_episode_alone(environment):
    mixed = actors.MixedActor(CornerActor(environment), demonstrator(environment), 0.3, False)
    seeds = np.stack([rollout_seeds.for_evaluation(0, k).actor for k in range(500)])
    demonstrates = mixed.initial_state(seeds)[2]
    assert 0.2 < demonstrates.mean() < 0.4
    np.testing.assert_array_equal(mixed.initial_state(seeds[::-1])[2], demonstrates[::-1])


def test_the_demonstrator_alone_demonstrates(environment):
    mixed = [episode for episode, _ in run_mixed(environment, 1.0, relabel=False)]
    alone = run(environment, demonstrator(environment))
    assert [e.content_hash for e in mixed] == [e.content_hash for e, _ in alone]


class Seeded(random_tf_policy.RandomTFPolicy):
    """Acts at random, and has a state like the policies of this library."""

    def _get_initial_state(self, batch_size):
        return {"seed": tf.zeros([batch_size, 2], tf.int32)}


def test_a_policy_gets_the_seeds_of_the_episodes(environment):
    policy = Seeded(
        tensor_spec.from_spec(environment.time_step_spec()),
        tensor_spec.from_spec(environment.action_spec()),
        policy_state_spec={"seed": tf.TensorSpec([2], tf.int32)},
    )
    actor = actors.PolicyActor(policy)
    seeds = np.stack([row.actor for row in SEEDS])
    np.testing.assert_array_equal(actor.initial_state(seeds)["seed"], seeds)
    for episode, _ in run(environment, actor):
        assert isinstance(episode.frames.action, np.ndarray)
        assert np.ptp(positions(episode)[:, 0]) > 0


def test_a_policy_without_seeds_keeps_its_state(environment):
    policy = random_tf_policy.RandomTFPolicy(
        tensor_spec.from_spec(environment.time_step_spec()),
        tensor_spec.from_spec(environment.action_spec()),
    )
    assert actors.PolicyActor(policy).initial_state(np.zeros([ROWS, 2], np.int32)) == ()
