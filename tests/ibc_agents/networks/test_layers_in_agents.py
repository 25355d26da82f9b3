"""Dropout, layer norm, spectral norm and distances in agents: restarts, replicas, saving."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.policies import policy_saver

from ibc_agents import agents, losses, networks, policies, samplers
from tests.ibc_agents import helpers

ROOT = pathlib.Path(__file__).parents[3]


OBSERVATION = helpers.make_experience(1, 2).observation


def make_mse(seed=0):
    tf.keras.utils.set_random_seed(seed)
    encoder = networks.MlpEncoder(
        width=16,
        depth=4,
        dropout_rate=0.3,
        layer_norm=True,
        distances=networks.LogDistances(num_distances=2, units=3, noise=networks.Noise()),
    )
    encoder(OBSERVATION)  # built here, because the helper sets its own seed
    return helpers.make_mse_agent(encoder=encoder)


def make_implicit(seed=0, dropout_rate=0.2, layer_norm=True):
    """Returns an agent with all layers, Langevin chains and a gradient penalty."""
    tf.keras.utils.set_random_seed(seed)
    options = dict(
        dropout_rate=dropout_rate, layer_norm=layer_norm, dense=networks.SpectralNormDense
    )
    encoder = networks.MlpEncoder(width=16, depth=2, **options)
    network = networks.MlpEnergyNetwork(width=16, depth=2, encoder=encoder, **options)
    network((OBSERVATION, tf.zeros([1, 1, 2])))
    return helpers.make_agent(
        energy_network=network,
        counter_examples=agents.CounterExamples(number=4, sampler=samplers.Langevin(3)),
        gradient_penalty=losses.GradientPenalty(margin=0.0),
        policy_search=policies.PolicySearch(samplers.DerivativeFree(num_iterations=1), 16),
    )


def make_spectral():
    return make_implicit(dropout_rate=0.0, layer_norm=False)


KINDS = pytest.mark.parametrize("make", [make_mse, make_implicit])


def network_of(agent):
    return agent._trained[0]


def state_of(agent):
    network = network_of(agent)
    return [v.numpy() for v in [*network.variables, *agent._update.optimizer.variables]]


def layer_state(agent):
    return [v.numpy() for v in network_of(agent).non_trainable_variables]


def assert_equal(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


def changed(one, other):
    return [not np.array_equal(a, b) for a, b in zip(one, other, strict=True)]


@KINDS
def test_a_resumed_run_ends_with_the_same_weights_bit_for_bit(make, tmp_path):
    experiences = [helpers.make_experience(8, 2, seed=k) for k in range(6)]
    agent = make()
    train = helpers.compiled(agent.train)
    for experience in experiences[:3]:
        train(experience)
    path = tf.train.Checkpoint(agent=agent).save(str(tmp_path / "checkpoint"))
    for experience in experiences[3:]:
        train(experience)

    other = make(seed=1)
    status = tf.train.Checkpoint(agent=other).restore(path)
    status.assert_existing_objects_matched().assert_consumed()
    train = helpers.compiled(other.train)
    for experience in experiences[3:]:
        train(experience)
    assert_equal(state_of(other), state_of(agent))


@KINDS
def test_equal_seeds_give_equal_runs(make):
    experiences = [helpers.make_experience(8, 2, seed=k) for k in range(3)]
    ends = []
    for seed in (0, 0, 1):
        agent = make(seed)
        for experience in experiences:
            agent.train(experience)
        ends.append(state_of(agent))
    assert_equal(ends[0], ends[1])
    assert any(changed(ends[0], ends[2]))


@KINDS
def test_dropout_applies_in_training_only(make):
    agent, experience = make(), helpers.make_experience(16, 2)
    assert agent.loss(experience, training=True).loss != agent.loss(experience).loss
    before = layer_state(agent)
    first = agent.validate(experience).loss
    assert agent.validate(experience).loss == first
    assert_equal(layer_state(agent), before)


def test_a_step_updates_each_singular_vector_once_for_any_chain_length():
    """Only the pass of the loss updates them, not the chains and not the gradient penalty."""
    agent, experience = make_spectral(), helpers.make_experience(8, 2)
    network = agent.energy_network
    for variable in network.trainable_variables:
        variable.assign(tf.random.normal(variable.shape))
    kernels = [v.numpy() for v in network.trainable_variables if v.shape.rank == 2]
    first = network._observation_projection, network._action_projection
    kernels.append(np.concatenate([layer.kernel for layer in first]))
    before = layer_state(agent)
    assert len(before) == 7
    agent.train(experience)
    for u, moved in zip(before, layer_state(agent), strict=True):
        # One iteration with the corresponding kernel.
        candidates = [
            kernel.T @ (kernel @ u) for kernel in kernels if kernel.shape[1] == u.shape[0]
        ]
        errors = [np.abs(c / np.linalg.norm(c) - moved).max() for c in candidates]
        assert min(errors) < 1e-4


def test_a_skipped_step_keeps_every_weight():
    agent, good = make_spectral(), helpers.make_experience(8, 2)
    goal = good.observation["goal"].numpy()
    goal[2, 1, 0] = np.nan
    before = [v.numpy() for v in agent._variables()]
    agent.train(good._replace(observation={**good.observation, "goal": tf.constant(goal)}))
    assert agent.skipped_steps.numpy() == 1
    assert_equal([v.numpy() for v in agent._variables()], before)
    assert all(np.isfinite(u).all() for u in layer_state(agent))


def test_spectrally_normalized_energies_have_bounded_gradients():
    """Without residual sums every layer is 1-Lipschitz, and therefore the energy."""
    tf.keras.utils.set_random_seed(0)
    network = networks.MlpEnergyNetwork(width=16, depth=0, dense=networks.SpectralNormDense)
    code = tf.random.normal([4, 16])
    actions = tf.random.normal([4, 32, 2])
    network((tf.zeros([4, 1, 5]), actions))
    for variable in network._action_projection.trainable_variables:
        variable.assign(variable * 100.0)
    for _ in range(20):
        network.encode(tf.zeros([4, 1, 5]), training=True)
    with tf.GradientTape() as tape:
        tape.watch(actions)
        energies = network.energy(code, actions)
    assert np.linalg.norm(tape.gradient(energies, actions), axis=-1).max() < 1.05


@KINDS
def test_a_saved_policy_equals_the_live_one_without_dropout(make, tmp_path):
    agent = make()
    for k in range(3):
        agent.train(helpers.make_experience(8, 2, seed=k))
    policy = agent.policy
    policy_saver.PolicySaver(policy, batch_size=None).save(str(tmp_path / "policy"))
    saved = tf.saved_model.load(str(tmp_path / "policy"))
    time_step, state = helpers.make_time_step(5), policy.get_initial_state(5)
    live = policy.action(time_step, state).action
    for _ in range(2):
        np.testing.assert_allclose(
            saved.action(time_step, state).action, live, rtol=1e-5, atol=1e-5
        )


@pytest.fixture(scope="module")
def replicas():
    """Output of replicated_layers.py, a separate process because it needs two logical devices."""
    script = pathlib.Path(__file__).parent / "replicated_layers.py"
    done = subprocess.run(
        [sys.executable, str(script)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["spectral", "dropout"])
def test_replicas_stay_equal_and_update_their_state(replicas, kind):
    found = replicas[kind]
    assert found["skipped"] == 0
    assert found["weights"][0] == found["weights"][1]
    assert found["state"][0] == found["state"][1]
    assert found["state"][0] != found["start"][0]
    assert found["restored"] == found["state"][0]


@pytest.mark.slow
def test_replicas_draw_different_masks(replicas):
    masks = [tuple(mask) for step in replicas["masks"] for mask in step]
    assert len(set(masks)) == 4
