"""Observations and actions as lists and tuples, from an environment to an exported policy."""

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.policies import policy_saver
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory

import data
from data.sources import reverb_source
from ibc_agents import agents, networks
from ibc_agents.core import normalizer

SOURCES = {
    "in_memory": data.InMemorySource,
    "prioritized": data.PrioritizedSource,
    "reverb": reverb_source.ReverbSource,
}
LENGTH = 12


def make_spec(nest):
    scalar, integer = tf.TensorSpec([], tf.float32), tf.TensorSpec([], tf.int32)
    return trajectory.Trajectory(
        step_type=integer,
        observation=nest(
            [
                tf.TensorSpec([2], tf.float64, "northing"),
                {"inner": nest([tf.TensorSpec([], tf.int64, "clock")])},
                tf.TensorSpec([3], tf.float32, "sensors"),
            ]
        ),
        action=nest([tf.TensorSpec([2], tf.float32, "arm"), tf.TensorSpec([], tf.float64, "grip")]),
        policy_info=(),
        next_step_type=integer,
        reward=scalar,
        discount=scalar,
    )


def make_episode(nest):
    rng = np.random.default_rng(0)
    step_type = np.full(LENGTH, ts.StepType.MID, np.int32)
    step_type[[0, -1]] = ts.StepType.FIRST, ts.StepType.LAST
    return data.Episode(
        trajectory.Trajectory(
            step_type=step_type,
            observation=nest(
                [
                    5.5e6 + rng.normal(size=[LENGTH, 2]),
                    {"inner": nest([1_700_000_000 * 10**9 + np.arange(LENGTH)])},
                    rng.normal(size=[LENGTH, 3]).astype(np.float32),
                ]
            ),
            action=nest(
                [rng.normal(size=[LENGTH, 2]).astype(np.float32), 1e9 + rng.normal(size=LENGTH)]
            ),
            policy_info=(),
            next_step_type=np.append(step_type[1:], ts.StepType.FIRST).astype(np.int32),
            reward=np.zeros(LENGTH, np.float32),
            discount=np.ones(LENGTH, np.float32),
        )
    )


@pytest.fixture(scope="module", params=[list, tuple], ids=["list", "tuple"])
def nest(request):
    return request.param


@pytest.fixture(scope="module")
def demonstrations(nest, tmp_path_factory):
    folder = tmp_path_factory.mktemp("datasets") / "nest"
    with data.EpisodeWriter(folder, make_spec(nest)) as writer:
        writer.write(make_episode(nest))
    return data.Demonstrations.open(folder, validation_fraction=0.0)


@pytest.fixture(scope="module")
def agent(nest, demonstrations):
    """An agent of the environment's specs, which have the environment's nests."""
    spec = make_spec(nest)
    statistics = data.compute_statistics(demonstrations.train, demonstrations.spec)
    return agents.MseAgent(
        ts.time_step_spec(spec.observation),
        spec.action,
        normalizer.Normalizer.from_statistics(statistics, spec.observation, spec.action),
        networks.MlpEncoder(width=8, depth=2),
        tf.keras.optimizers.Adam(1e-2),
        window=2,
        train_step_counter=tf.Variable(0, dtype=tf.int64),
    )


@pytest.mark.parametrize("source", SOURCES)
def test_windows_keep_every_bit_and_train_the_agent(nest, demonstrations, agent, source):
    loaded = SOURCES[source]()
    loaded.load(demonstrations.train, demonstrations.spec)
    experience, _ = next(iter(loaded.dataset(2, 8, seed=0)))
    frames = make_episode(nest).frames
    for part in ("observation", "action"):
        leaves = tf.nest.flatten(getattr(experience, part))
        for found, written in zip(leaves, tf.nest.flatten(getattr(frames, part)), strict=True):
            assert found.dtype == written.dtype
            assert np.isin(found, written).all()
    agent.train(experience)
    assert agent.skipped_steps.numpy() == 0
    loaded.close()


def test_a_policy_acts_on_the_environments_nests(nest, agent, tmp_path):
    policy_saver.PolicySaver(agent.policy, batch_size=None).save(str(tmp_path))
    saved = tf.saved_model.load(str(tmp_path))
    frames = make_episode(nest).frames
    observation = tf.nest.map_structure(lambda leaf: tf.constant(leaf[:1]), frames.observation)
    time_step = ts.restart(observation, batch_size=1)
    live = agent.policy.action(time_step, agent.policy.get_initial_state(1))
    assert [leaf.dtype for leaf in tf.nest.flatten(live.action)] == [tf.float32, tf.float64]
    np.testing.assert_allclose(live.action[1], frames.action[1].mean(), atol=10)
    kept = tf.nest.flatten(live.state["observations"])
    for past, newest in zip(kept, tf.nest.flatten(observation), strict=True):
        np.testing.assert_array_equal(past[:, 0], newest)
    loaded = saved.action(time_step, saved.get_initial_state(1))
    tf.nest.map_structure(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), loaded.action, live.action
    )
