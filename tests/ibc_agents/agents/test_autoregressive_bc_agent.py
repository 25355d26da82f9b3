"""The autoregressive agent: one energy per dimension."""

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents import agents, losses, policies, proposals, samplers
from ibc_agents.core import stateless_random
from tests.ibc_agents import helpers


@pytest.fixture(scope="module")
def trained():
    agent = helpers.make_autoregressive_agent(window=1)
    train = helpers.compiled(agent.train)
    for seed in range(400):
        train(helpers.make_two_modes(64, seed))
    return agent


def test_loss_sums_the_dimensions_conditioned_on_demonstrated_prefixes():
    """Compares with InfoNCE of each dimension on uniform values in NumPy."""
    agent = helpers.make_autoregressive_agent(seed=5)
    experience = helpers.make_experience(6, 2)
    info = agent.loss(experience)

    normalizer, network = agent.normalizer, agent.energy_network
    code = network.encode(normalizer.normalize_observation(experience.observation))
    seed = stateless_random.fold_in(stateless_random.as_seed(5, tf.constant(0)), 0)
    negatives = proposals.Uniform().sample(code, 16, normalizer.bounds, seed).numpy()
    action = normalizer.scale_action(experience.action[:, -1]).numpy()
    total, picked = 0.0, 0.0
    for j in range(2):
        candidates = np.repeat(action[:, None, : j + 1], 17, axis=1)
        candidates[:, 1:, j] = negatives[..., j]
        energies = network.energy(code, tf.constant(candidates)).numpy()
        probability = np.exp(-energies) / np.exp(-energies).sum(axis=1, keepdims=True)
        total += -np.log(probability[:, 0]).mean()
        picked += 0.5 * (energies.argmin(axis=1) == 0).mean()
    np.testing.assert_allclose(info.loss, total, rtol=1e-5)
    np.testing.assert_allclose(info.extra["top1_accuracy"], picked, rtol=1e-5)


def test_contract_loss_gets_the_proposals_densities_of_each_dimension():
    received = []

    class Keep(losses.InfoNCE):
        def __call__(self, *args):
            received.append(args)
            return super().__call__(*args)

    agent = helpers.make_autoregressive_agent(loss=Keep())
    received.clear()  # The constructor calls the loss once.
    agent.loss(helpers.make_experience(6, 2))
    low, high = (bound.numpy() for bound in agent.normalizer.bounds)
    assert len(received) == 2
    for (*_, positive, negatives), width in zip(received, high - low, strict=True):
        np.testing.assert_allclose(positive, [-np.log(width)] * 6, rtol=1e-5)
        np.testing.assert_allclose(negatives, np.full([6, 16], -np.log(width)), rtol=1e-5)


def test_every_weight_has_a_gradient():
    agent = helpers.make_autoregressive_agent()
    kernels = [v for v in agent.energy_network.trainable_variables if v.shape.rank == 2]
    before = [kernel.numpy() for kernel in kernels]
    for seed in range(3):
        agent.train(helpers.make_experience(64, 2, seed))
    for kernel, old in zip(kernels, before, strict=True):
        assert np.any(kernel.numpy() != old), kernel.name


def test_later_dimensions_depend_on_earlier_ones(trained):
    """Every action is one of the demonstrated pairs, never a mixture, and both occur."""
    time_step = helpers.make_time_step(100)
    state = trained.policy.get_initial_state(100)
    state["seed"] = tf.random.stateless_uniform([100, 2], [5, 6], None, None, tf.int32)
    actions = trained.policy.action(time_step, state).action.numpy()
    distance = np.abs(actions[:, None] - helpers.TWO_MODES).max(axis=-1)
    assert np.mean(distance.min(axis=1) < 0.15) > 0.97, actions


def test_energy_function_is_the_negative_log_density(trained):
    """The density integrates to one over the bounds, and is concentrated at the pairs."""
    window = tf.nest.map_structure(
        lambda leaf: leaf[:2], helpers.make_two_modes(2, 999).observation
    )
    energy_fn = trained.energy_function(window)
    bounds = trained.normalizer.bounds
    cells = 200
    axes = [
        low + (high - low) * (np.arange(cells) + 0.5) / cells
        for low, high in zip(bounds.low.numpy(), bounds.high.numpy(), strict=True)
    ]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2).astype(np.float32)
    density = np.exp(-energy_fn(tf.constant(np.stack([grid, grid]))).numpy())
    area = np.prod(bounds.high - bounds.low) / cells**2
    np.testing.assert_allclose(density.sum(axis=1) * area, 1.0, atol=0.03)
    scaled_pairs = trained.normalizer.scale_action(tf.constant(helpers.TWO_MODES)).numpy()
    near = [np.abs(grid - pair).max(axis=-1) < 0.2 for pair in scaled_pairs]
    mass = np.stack([density[:, cell].sum(axis=1) * area for cell in near])
    assert np.all(mass > 0.1) and np.all(mass.sum(axis=0) > 0.9), mass


def test_zero_width_dimension_has_no_effect_on_the_density():
    agent = helpers.make_autoregressive_agent(window=1)
    normalizer = agent.normalizer
    normalizer._low[1].assign(0.25)
    normalizer._high[1].assign(0.25)
    window = helpers.make_experience(3, 1).observation
    actions = tf.constant([[[0.3, 0.25], [-0.7, 0.25]]] * 3)
    code = agent.energy_network.encode(normalizer.normalize_observation(window))
    centers = np.linspace(*(float(bound[0]) for bound in normalizer.bounds), 2001)
    prefixes = tf.constant(np.tile(centers[None, :, None], [3, 1, 1]), tf.float32)
    energies = agent.energy_network.energy(code, prefixes).numpy()
    log_normalizer = np.log(np.trapz(np.exp(-energies), centers, axis=1))
    expected = agent.energy_network.energy(code, actions[..., :1]) + log_normalizer[:, None]
    np.testing.assert_allclose(agent.energy_function(window)(actions), expected, atol=1e-3)


def test_plain_energy_networks_are_rejected():
    prefixes = helpers.make_autoregressive_agent().energy_network
    with pytest.raises(ValueError, match="ImplicitBCAgent.energy_network cannot be"):
        helpers.make_agent(energy_network=prefixes)
    langevin = agents.CounterExamples(number=4, sampler=samplers.Langevin())
    with pytest.raises(ValueError, match="ImplicitBCAgent.energy_network cannot be Pre"):
        helpers.make_agent(energy_network=prefixes, counter_examples=langevin)
    whole = helpers.make_energy_network()
    with pytest.raises(ValueError, match="AutoregressiveBCAgent.energy_network cannot be"):
        helpers.make_autoregressive_agent(energy_network=whole)


def test_samplers_without_prefixes_are_rejected():
    """They would minimize the energy of the last dimension only, without an error."""
    with pytest.raises(ValueError, match="AutoregressiveBCAgent cannot use DerivativeFree"):
        helpers.make_autoregressive_agent(policy_search=policies.PolicySearch())
    sampler = samplers.Autoregressive()
    for part in (
        dict(policy_search=policies.PolicySearch(sampler)),
        dict(counter_examples=agents.CounterExamples(sampler=sampler)),
    ):
        with pytest.raises(ValueError, match="ImplicitBCAgent cannot use Autoregressive"):
            helpers.make_agent(**part)
