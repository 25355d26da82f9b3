"""Contrastive divergence: its formula, and training with Langevin counter-examples."""

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents import agents, losses, networks, policies, samplers
from ibc_agents.core import errors
from tests.ibc_agents import helpers

NEEDS = "ContrastiveDivergence needs counter-examples that follow the energy"


def test_agrees_with_numpy_and_its_gradient_with_the_closed_form():
    rng = np.random.default_rng(0)
    positive, negatives = rng.normal(0, 30, 5), rng.normal(0, 30, (5, 7))
    energies = tf.constant(np.concatenate([positive[:, None], negatives], axis=1), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(energies)
        loss = losses.ContrastiveDivergence()(energies[:, 0], energies[:, 1:])
    np.testing.assert_allclose(loss, positive - negatives.mean(axis=1), rtol=1e-5)
    expected = np.tile([1.0, *[-1 / 7] * 7], [5, 1])
    np.testing.assert_allclose(tape.gradient(loss, energies), expected, rtol=1e-6)


def test_wrong_shape_raises_by_name():
    with pytest.raises(ValueError, match=r"ContrastiveDivergence takes energies \[B\] and"):
        losses.ContrastiveDivergence()(tf.zeros([3, 1]), tf.zeros([3, 4]))


@pytest.mark.parametrize("make", [helpers.make_agent, helpers.make_autoregressive_agent])
def test_unmoved_counter_examples_are_rejected(make):
    with pytest.raises(errors.SettingError, match=NEEDS):
        make(loss=losses.ContrastiveDivergence())


def test_learns_two_modes_with_langevin_and_the_gradient_penalty():
    tf.keras.utils.set_random_seed(0)
    agent = helpers.make_agent(
        window=1,
        energy_network=networks.MlpEnergyNetwork(64, 2, encoder=networks.MlpEncoder(64, 2)),
        optimizer=tf.keras.optimizers.Adam(2e-3),
        counter_examples=agents.CounterExamples(number=8, sampler=samplers.Langevin(25)),
        gradient_penalty=losses.GradientPenalty(),
        loss=losses.ContrastiveDivergence(),
        policy_search=policies.PolicySearch(samplers.DerivativeFree(4), 512),
    )
    train = helpers.compiled(agent.train)
    for seed in range(400):
        train(helpers.make_two_modes(64, seed))
    state = agent.policy.get_initial_state(100)
    state["seed"] = tf.random.stateless_uniform([100, 2], [5, 6], None, None, tf.int32)
    actions = agent.policy.action(helpers.make_time_step(100), state).action.numpy()
    distance = np.abs(actions[:, None] - helpers.TWO_MODES).max(axis=-1).min(axis=1)
    # A uniform action is this close to a mode with probability 1/27.
    assert np.mean(distance < 0.15) > 0.9, distance
    assert agent.skipped_steps.numpy() == 0
