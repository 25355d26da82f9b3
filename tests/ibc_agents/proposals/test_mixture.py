"""The learned proposal."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents import agents, networks, proposals
from ibc_agents.core import protocols
from ibc_agents.policies.distributions import gaussian_mixture
from tests.ibc_agents import helpers

SEED = tf.constant([3, 4], tf.int32)
ROW_SEEDS = tf.constant([[1, 2], [3, 4]], tf.int32)
CODE = tf.constant([[0.3, -1.0, 0.5, 2.0], [1.0, 0.0, -0.7, 0.1]])


def make_proposal(action_size=1, **options):
    network = functools.partial(
        networks.MixtureDensityNetwork,
        encoder=tf.keras.layers.Dense(16, "relu"),
        num_components=3,
        min_stddev=0.1,
    )
    proposal = proposals.Mixture(network, **options)
    proposal.build(CODE, action_size)
    return proposal


def test_contract_proposal_it_learns():
    assert isinstance(make_proposal(), protocols.LearnedProposal)
    assert not isinstance(proposals.Uniform(), protocols.LearnedProposal)


@pytest.mark.parametrize("seed", [SEED, ROW_SEEDS], ids=["batch", "rows"])
def test_contract_proposal_equal_seeds_give_equal_samples(seed):
    proposal = make_proposal()

    def sample(seed):
        return proposal.sample(CODE, 20, helpers.UNIT_BOUNDS, seed).numpy()

    assert sample(seed).shape == (2, 20, 1)
    np.testing.assert_array_equal(sample(seed), sample(seed))
    assert not np.intersect1d(sample(seed), sample(seed + 1)).size


@pytest.mark.parametrize("seed", [SEED, ROW_SEEDS], ids=["batch", "rows"])
def test_contract_proposal_log_prob_is_the_density_of_the_samples(seed):
    """Compares with counts in one dimension, where each row has its own seeded width."""
    proposal = make_proposal()
    actions = proposal.sample(CODE, 100_000, helpers.UNIT_BOUNDS, seed).numpy()[..., 0]
    edges = np.linspace(-4.0, 4.0, 81)
    centers = 0.5 * (edges[1:] + edges[:-1])
    grid = tf.broadcast_to(tf.constant(centers[:, None], tf.float32), [2, 80, 1])
    density = np.exp(proposal.log_prob(CODE, grid, helpers.UNIT_BOUNDS, seed))
    for row in range(2):
        counted = np.histogram(actions[row], edges)[0] / 100_000
        fine = np.linspace(-4.0, 4.0, 8001)[:, None]
        tiled = tf.broadcast_to(tf.constant(fine, tf.float32), [2, 8001, 1])
        exact = np.exp(proposal.log_prob(CODE, tiled, helpers.UNIT_BOUNDS, seed))[row]
        cells = np.add.reduceat(exact[:-1], np.arange(0, 8000, 100)) * 0.001
        np.testing.assert_allclose(counted, cells, atol=0.006)
        assert density[row].max() > 0.05
    # Their widths differ.
    assert abs(actions[0].std() - actions[1].std()) > 0.01


def test_the_loss_is_the_negative_log_likelihood():
    proposal = make_proposal(action_size=2, loss_weight=0.5)
    action = tf.constant([[0.2, -0.4], [0.9, 0.1]])
    parameters, _ = proposal._network(CODE)
    mixture = gaussian_mixture.GaussianMixture.from_parameters(parameters)
    np.testing.assert_allclose(
        proposal.loss(CODE, action, training=True), -0.5 * mixture.log_prob(action), rtol=1e-5
    )


def test_it_learns_the_demonstrated_actions():
    proposal = make_proposal(action_size=2)
    optimizer = tf.keras.optimizers.Adam(0.01)
    action = tf.constant([[0.5, -0.5], [-0.2, 0.8]])
    for _ in range(200):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(proposal.loss(CODE, action, training=True))
        variables = proposal.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
    first = proposal.first_actions(CODE, 3, helpers.UNIT_BOUNDS, SEED)
    distances = np.linalg.norm(first - action[:, None], axis=-1)
    assert (distances.min(axis=1) < 0.05).all()


def test_contract_proposal_first_actions_are_the_means_and_around_them_inside_the_bounds():
    proposal = make_proposal(action_size=2)
    parameters, _ = proposal._network(CODE)
    actions = proposal.first_actions(CODE, 500, helpers.UNIT_BOUNDS, ROW_SEEDS).numpy()
    assert actions.shape == (2, 500, 2)
    assert (np.abs(actions) <= 1).all()
    np.testing.assert_allclose(actions[:, :3], np.clip(parameters.means, -1, 1), rtol=1e-6)
    nearest = np.abs(actions[:, 3:, None] - parameters.means.numpy()[:, None]).max(-1).min(-1)
    assert np.quantile(nearest, 0.1) < 0.05 < 0.3 < np.quantile(nearest, 0.9)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"min_stddev": 0.0}, "Mixture.min_stddev must be a number"),
        ({"min_stddev": 0.5, "max_stddev": 0.4}, "at most max_stddev"),
        ({"loss_weight": 0.0}, "Mixture.loss_weight must be a number"),
    ],
)
def test_invalid_numbers_are_rejected(options, problem):
    with pytest.raises(ValueError, match=problem):
        make_proposal(**options)


class OneCenter(protocols.LearnedProposal):
    """A user's own proposal: actions around one learned center."""

    def build(self, code, action_size):
        self.center = tf.Variable(tf.zeros([action_size]))

    def loss(self, code, action, training):
        return tf.reduce_sum(tf.square(action - self.center), axis=-1)

    def sample(self, code, n, bounds, seed):
        around = proposals.Uniform().sample(code, n, bounds, seed)
        return 0.5 * (around + self.center)

    def log_prob(self, code, actions, bounds, seed):
        return tf.zeros(tf.shape(actions)[:2])

    first_actions = sample


def test_contract_proposal_variables_of_a_learned_one_are_trained_and_restored(tmp_path):
    def make_agent(proposal):
        counter_examples = agents.CounterExamples(proposal, number=4)
        agent = helpers.make_agent(counter_examples=counter_examples)
        agent.initialize()
        return agent

    trained, restored = OneCenter(), OneCenter()
    agent = make_agent(trained)
    agent.train(helpers.make_experience(8, 2))
    assert np.abs(trained.center).min() > 0
    path = tf.train.Checkpoint(agent=agent).save(str(tmp_path / "checkpoint"))
    tf.train.Checkpoint(agent=make_agent(restored)).restore(path).assert_consumed()
    np.testing.assert_array_equal(restored.center, trained.center)
