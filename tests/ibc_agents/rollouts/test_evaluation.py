"""Evaluations give the same outcome of an episode in batches of any size."""

import json

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.policies import random_tf_policy
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts

from environments.particle import ParticleDemonstrator, ParticleEnvironment
from ibc_agents import agents, networks, policies, samplers
from ibc_agents.core import normalizer
from ibc_agents.rollouts import confidence_intervals, evaluation, rollout_seeds
from tests.conformance.drift_environment import DriftEnvironment

SEED = 7
NUM_EPISODES = 7


class RecordedParticle(ParticleEnvironment):
    """Records the actions of every episode by the seed of the environment."""

    actions: dict[int, list[np.ndarray]] = {}

    def vectorized(self, batch_size):
        return None

    def seed(self, seed):
        super().seed(seed)
        self._recorded = self.actions[seed] = []

    def _advance(self, action):
        self._recorded.append(action)
        return super()._advance(action)


@pytest.fixture(scope="module")
def policy():
    """An untrained implicit policy, whose actions depend on its random draws."""
    environment = ParticleEnvironment()
    demonstrator = ParticleDemonstrator(environment)
    time_step_spec = tensor_spec.from_spec(environment.time_step_spec())
    action_spec = tensor_spec.from_spec(environment.action_spec())
    frames = tensor_spec.sample_spec_nest(
        tensor_spec.from_spec(demonstrator.trajectory_spec), seed=1, outer_dims=(200,)
    )
    rng = np.random.default_rng(0)
    observation = tf.nest.map_structure(
        lambda leaf: tf.constant(rng.uniform(0, 1, leaf.shape), tf.float32), frames.observation
    )
    action = tf.constant(rng.uniform(0, 1, (200, 2)), tf.float32)
    frames = frames._replace(
        step_type=tf.ones(200, tf.int32), observation=observation, action=action
    )
    tf.keras.utils.set_random_seed(0)
    return agents.ImplicitBCAgent(
        time_step_spec,
        action_spec,
        normalizer.Normalizer.from_dataset([frames], time_step_spec.observation, action_spec),
        networks.MlpEnergyNetwork(width=16, depth=2),
        tf.keras.optimizers.Adam(),
        policy_search=policies.PolicySearch(samplers.DerivativeFree(2), 16),
        train_step_counter=tf.Variable(0, dtype=tf.int64),
    ).policy


def run(policy, batch_size, num_episodes=NUM_EPISODES):
    """Returns the evaluation and the actions of its episodes [k, steps, A]."""
    RecordedParticle.actions = {}
    found = evaluation.evaluate(policy, RecordedParticle, num_episodes, SEED, batch_size)
    seeds = [
        rollout_seeds.for_evaluation(SEED, episode).environment for episode in range(num_episodes)
    ]
    return found, np.array([RecordedParticle.actions[seed] for seed in seeds])


def test_contract_policy_episode_k_depends_only_on_seed_and_k(policy):
    """Batches of 1, 3 (with an incomplete last batch) and all, and fewer episodes of a seed."""
    alone, actions = run(policy, 1)
    assert actions.shape == (NUM_EPISODES, 50, 2)
    assert np.min(np.std(actions, axis=1)) > 0.01
    for batch_size in (3, NUM_EPISODES):
        together, their_actions = run(policy, batch_size)
        assert together == alone
        np.testing.assert_allclose(their_actions, actions, atol=1e-5)
    fewer, their_actions = run(policy, 3, num_episodes=2)
    assert fewer.outcomes == alone.outcomes[:2]
    np.testing.assert_allclose(their_actions, actions[:2], atol=1e-5)


def test_other_seeds_give_other_episodes(policy):
    RecordedParticle.actions = {}
    evaluation.evaluate(policy, RecordedParticle, 2, SEED + 1, 2)
    others = np.array(list(RecordedParticle.actions.values()))
    _, actions = run(policy, 2, num_episodes=2)
    assert np.min(np.max(np.abs(others - actions), axis=(1, 2))) > 0.1


class RightPolicy(random_tf_policy.RandomTFPolicy):
    """Moves right at full speed; a policy of TF-Agents without a seed in its state."""

    def _action(self, time_step, policy_state, seed=None):
        step = super()._action(time_step, policy_state, seed)
        return step._replace(action=tf.nest.map_structure(tf.ones_like, step.action))


class LeftPolicy(RightPolicy):
    def _action(self, time_step, policy_state, seed=None):
        step = super()._action(time_step, policy_state, seed)
        return step._replace(action=tf.nest.map_structure(tf.negative, step.action))


def drift_policy(kind):
    environment = DriftEnvironment()
    return kind(
        ts.time_step_spec(tensor_spec.from_spec(environment.observation_spec())),
        tensor_spec.from_spec(environment.action_spec()),
    )


def drift_lengths(num_episodes):
    """Returns the number of steps of each episode, from a single environment."""
    lengths = []
    for episode in range(num_episodes):
        environment = DriftEnvironment()
        environment.seed(rollout_seeds.for_evaluation(SEED, episode).environment)
        time_step, steps = environment.reset(), 0
        while not time_step.is_last():
            action = {"change": np.zeros(1, np.float32), "pair": np.zeros(2, np.float32)}
            time_step, steps = environment.step(action), steps + 1
        lengths.append(steps)
    return lengths


@pytest.mark.parametrize(("kind", "won"), [(RightPolicy, True), (LeftPolicy, False)])
def test_rows_that_end_early_keep_their_outcome(kind, won):
    """The next episode of a row has no effect on its outcome."""
    found = evaluation.evaluate(drift_policy(kind), DriftEnvironment, 10, SEED, batch_size=4)
    lengths = drift_lengths(10)
    assert len(set(lengths)) > 3
    assert [outcome.steps for outcome in found.outcomes] == lengths
    assert [outcome.episode for outcome in found.outcomes] == list(range(10))
    assert all(outcome.success == won for outcome in found.outcomes)
    assert all(outcome.total_reward == float(won) for outcome in found.outcomes)
    assert found.success_rate == float(won)


def test_records_every_frame_of_the_first_episodes():
    frames = {}

    def on_image(episode, image):
        assert image.shape == (8, 64, 3) and image.dtype == np.uint8
        frames.setdefault(episode, []).append(np.flatnonzero(image[0, :, 0])[0] - 32)

    evaluation.evaluate(
        drift_policy(RightPolicy), DriftEnvironment, 7, SEED, 2, on_image, num_recorded=5
    )
    assert sorted(frames) == [0, 1, 2, 3, 4]
    lengths = drift_lengths(5)
    assert [len(frames[episode]) for episode in range(5)] == [steps + 1 for steps in lengths]
    # Three to the right at every step, to the end: no frame of the next episode is among them.
    for positions in frames.values():
        np.testing.assert_array_equal(np.diff(positions)[1:], 3)


@pytest.mark.parametrize("numbers", [(0, 0, 1), (1, -1, 1), (1, 0, 0)])
def test_numbers_out_of_range_are_rejected(numbers):
    num_episodes, seed, batch_size = numbers
    with pytest.raises(ValueError, match="num_episodes ≥ 1, batch_size ≥ 1 and seed ≥ 0"):
        evaluation.evaluate(None, DriftEnvironment, num_episodes, seed, batch_size)


def test_summary_is_json_and_agrees_with_its_text():
    outcomes = [evaluation.Outcome(k, k != 1, float(k != 1), 50 + k) for k in range(4)]
    found = evaluation.Evaluation(9, tuple(outcomes))
    summary = json.loads(json.dumps(found.summary()))
    assert summary["success"] == confidence_intervals.describe_proportion(3, 4)
    assert summary["return"] == confidence_intervals.describe_mean([1.0, 0.0, 1.0, 1.0])
    assert summary["normalized_score"] is None and summary["evaluation_seed"] == 9
    wanted = {"episode": 1, "success": False, "total_reward": 0.0, "steps": 51}
    assert summary["episodes"][1] == {**wanted, "normalized_score": None}
    assert found.format_summary() == (
        "success 3/4 = 75.0% (95% interval 30.1% to 95.4%), return 0.75 (0.26 to 1.24), seed 9"
    )


def test_a_single_episode_has_no_interval():
    found = evaluation.Evaluation(0, (evaluation.Outcome(0, True, 1.5, 5),))
    assert "return 1.50, seed 0" in found.format_summary()


class ScoredEnvironment(DriftEnvironment):
    """An environment whose benchmark maps returns from −1 to 4 to scores from 0 to 1."""

    def normalized_score(self, episode_return):
        return (episode_return + 1.0) / 5.0


def test_scores_are_those_of_the_environments_benchmark():
    found = evaluation.evaluate(drift_policy(RightPolicy), ScoredEnvironment, 3, SEED, 2)
    assert [outcome.total_reward for outcome in found.outcomes] == [1.0, 1.0, 1.0]
    assert [outcome.normalized_score for outcome in found.outcomes] == [0.4, 0.4, 0.4]
    assert found.summary()["normalized_score"]["mean"] == pytest.approx(0.4)
    assert (
        "return 1.00 (1.00 to 1.00), normalized score 0.40 (0.40 to 0.40)" in found.format_summary()
    )
