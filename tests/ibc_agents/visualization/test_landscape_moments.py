"""Moments are the windows and seeds with which a policy acts in an episode."""

import itertools

import numpy as np
import pytest
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory

from data import episodes
from data.episodes import dataset_statistics as data_statistics
from environments import particle
from ibc_agents.core import normalizer as normalizer_lib
from ibc_agents.rollouts import evaluation
from ibc_agents.visualization import energy_landscape, landscape_moments
from tests.ibc_agents import helpers

LENGTH = 4  # frames
POLICY_SEED = np.array([5, 6], np.int32)


@pytest.fixture(scope="module")
def episode():
    rng = np.random.default_rng(0)
    observation = {
        key: rng.uniform(-1, 1, (LENGTH, 2)).astype(np.float32) for key in ("goal", "position")
    }
    step_type = np.array([ts.StepType.FIRST, *[ts.StepType.MID] * 2, ts.StepType.LAST], np.int32)
    ones = np.ones(LENGTH, np.float32)
    return episodes.Episode(
        trajectory.Trajectory(
            step_type, observation, helpers.demonstrate(observation), (), step_type, ones, ones
        )
    )


def test_moments_of_a_demonstration_are_the_windows_of_the_policy(episode):
    agent = helpers.make_agent(window=2)
    moments = list(landscape_moments.recall_demonstration(agent.policy, episode, POLICY_SEED))
    assert len(moments) == LENGTH - 1  # the LAST frame's action was never executed
    goals = episode.frames.observation["goal"]
    for k, (moment, frames) in enumerate(zip(moments, [[0, 0], [0, 1], [1, 2]], strict=True)):
        np.testing.assert_array_equal(moment.window["goal"], goals[frames][None])
        np.testing.assert_array_equal(moment.demonstrated, episode.frames.action[k])
        assert moment.image is None
        assert moment.seed.shape == (1, 2) and int(moment.seed[0, 1]) == 6 + k
    again = list(landscape_moments.recall_demonstration(agent.policy, episode, POLICY_SEED))
    for one, other in zip(moments, again, strict=True):
        np.testing.assert_array_equal(one.seed, other.seed)


@pytest.fixture(scope="module")
def particle_agent():
    environment = particle.ParticleEnvironment(dimension=2)
    observation_spec = tensor_spec.from_spec(environment.observation_spec())
    action_spec = tensor_spec.from_spec(environment.action_spec())
    ends = helpers.leaf_statistics(np.array([[0.0, 0.0], [1.0, 1.0]]))
    statistics = data_statistics.Statistics({key: ends for key in observation_spec}, ends)
    return helpers.make_agent(
        time_step_spec=ts.time_step_spec(observation_spec),
        action_spec=action_spec,
        normalizer=normalizer_lib.Normalizer.from_statistics(
            statistics, observation_spec, action_spec
        ),
    )


def test_rollout_is_the_episode_of_an_evaluation(particle_agent):
    """The same images; and each landscape has the action that the policy then takes."""
    policy, images = particle_agent.policy, []
    evaluation.evaluate(
        policy,
        particle.ParticleEnvironment,
        num_episodes=2,
        seed=7,
        on_image=lambda number, frame: images.append(frame) if number == 1 else None,
        num_recorded=2,
    )
    taken = []

    class Recorded(particle.ParticleEnvironment):
        def vectorized(self, batch_size):
            return None

        def _advance(self, action):
            taken.append(action)
            return super()._advance(action)

    moments = landscape_moments.iterate_rollout(policy, Recorded, seed=7, episode=1)
    beginning = list(itertools.islice(moments, 4))
    assert len(taken) == 3  # the rest of the episode has not run
    moments = [*beginning, *moments]
    landscapes = energy_landscape.Landscapes(particle_agent, resolution=2)
    for moment, image in zip(moments, images[:-1], strict=True):
        np.testing.assert_allclose(moment.image, image, atol=2)
        assert moment.demonstrated is None
    chosen = [landscapes.at(moment).chosen for moment in moments]
    np.testing.assert_allclose(np.clip(chosen, 0, 1), taken, atol=1e-5)
    assert len(taken) == 50
