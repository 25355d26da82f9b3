"""Policy and demonstrator together: who acts, what is executed and what is recorded."""

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.policies import random_tf_policy
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import policy_step

from environments import base
from environments.particle import ParticleDemonstrator, ParticleEnvironment
from ibc_agents.rollouts import episode_loop, players

ROWS = 6


class ToTheCorner:
    """Goes to the corner, where no goal is, and counts its steps."""

    def __init__(self, environment):
        self._zero = np.zeros([ROWS, *environment.action_spec().shape], np.float32)

    def get_initial_state(self, batch_size):
        return np.zeros(batch_size, int)

    def action(self, time_step, policy_state):
        return policy_step.PolicyStep(self._zero, policy_state + 1, ())


@pytest.fixture
def environment():
    opened = base.vectorize(ParticleEnvironment, ROWS)
    opened.seed(list(range(ROWS)))
    yield opened
    opened.close()


def run_mixed(environment, share, relabel):
    mixed = players.MixedPlayer(
        ToTheCorner(environment),
        ParticleDemonstrator(environment),
        share,
        relabel,
        np.random.default_rng(0),
    )
    return episode_loop.run_wave(environment, mixed, mixed.executed)


def positions(episode):
    return episode.frames.observation["pos_agent"]


def test_the_policy_acts_and_the_demonstrator_says_what_it_would_have_done(environment):
    relabelled = run_mixed(environment, 0.0, relabel=True)
    environment.seed(list(range(ROWS)))
    alone = episode_loop.run_wave(environment, ToTheCorner(environment))
    for (taught, success), (episode, _) in zip(relabelled, alone, strict=True):
        assert np.array_equal(positions(taught), positions(episode))
        assert not success and not episode.frames.action.any()
        is_goal = [
            np.isclose(taught.frames.action, taught.frames.observation[f"pos_{name}_goal"]).all(1)
            for name in ("first", "second")
        ]
        assert np.logical_or(*is_goal).all()


def test_each_acts_in_its_episodes_and_its_own_actions_are_recorded(environment):
    wave = run_mixed(environment, 0.5, relabel=False)
    demonstrated = [episode.frames.action.max() > 0.0 for episode, _ in wave]
    assert 0 < sum(demonstrated) < ROWS
    assert demonstrated == [success for _, success in wave]


def test_the_demonstrator_alone_demonstrates(environment):
    mixed = [episode for episode, _ in run_mixed(environment, 1.0, relabel=False)]
    environment.seed(list(range(ROWS)))
    alone = episode_loop.run_wave(environment, ParticleDemonstrator(environment))
    assert [e.content_hash for e in mixed] == [e.content_hash for e, _ in alone]


def test_a_policy_gets_new_seeds_in_each_wave(environment):
    class Seeded(random_tf_policy.RandomTFPolicy):
        def _get_initial_state(self, batch_size):
            return {"seed": tf.zeros([batch_size, 2], tf.int32)}

    policy = Seeded(
        tensor_spec.from_spec(environment.time_step_spec()),
        tensor_spec.from_spec(environment.action_spec()),
        policy_state_spec={"seed": tf.TensorSpec([2], tf.int32)},
    )
    player = players.PolicyPlayer(policy, np.random.default_rng(0))
    seeds = [player.get_initial_state(ROWS)["seed"].numpy() for _ in range(2)]
    assert len(np.unique(np.concatenate(seeds), axis=0)) == 2 * ROWS
    for episode, _ in episode_loop.run_wave(environment, player):
        assert isinstance(episode.frames.action, np.ndarray)
        assert np.ptp(positions(episode)[:, 0]) > 0
