"""The diffusion baseline: its loss and its training."""

import gin
import numpy as np
import pytest
import tensorflow as tf

from ibc_agents import agents, networks, policies
from tests.ibc_agents import helpers


def train(agent, experiences, steps):
    step = helpers.compiled(agent.train)
    return [float(step(experiences[k % len(experiences)]).loss) for k in range(steps)]


def act(agent, batch_size, seed=0):
    """Returns the raw actions at random observations, [B, A]."""
    state = agent.policy.get_initial_state(batch_size)
    state = {
        **state,
        "seed": tf.random.stateless_uniform([batch_size, 2], [seed, 1], -99, 99, tf.int32),
    }
    time_step = helpers.make_time_step(batch_size, seed=999)
    return time_step, agent.policy.action(time_step, state).action.numpy()


def test_the_loss_of_an_untrained_network_is_the_variance_of_noise():
    agent = helpers.make_diffusion_agent(encoder=networks.MlpEncoder(width=4, depth=0))
    for variable in agent._denoising_network.trainable_variables:
        variable.assign(tf.zeros_like(variable))
    losses = [float(agent.loss(helpers.make_experience(256, 2, seed)).loss) for seed in range(3)]
    np.testing.assert_allclose(losses, 1.0, atol=0.15)


def test_randomness_follows_seed_and_step():
    experience = helpers.make_experience(8, 2)
    agent, equal, other = (helpers.make_diffusion_agent(seed=seed) for seed in (0, 0, 1))
    for variable, value in zip(other._variables(), agent._variables(), strict=True):
        variable.assign(value)
    assert agent.loss(experience).loss == equal.loss(experience).loss
    assert agent.loss(experience).loss != other.loss(experience).loss
    first = agent.loss(experience).loss
    agent.train_step_counter.assign_add(1)
    assert agent.loss(experience).loss != first


def test_the_learned_policy_acts_like_the_demonstrations():
    agent = helpers.make_diffusion_agent()
    train(agent, [helpers.make_experience(64, 2, seed) for seed in range(20)], 1000)
    time_step, action = act(agent, 64)
    wanted = helpers.demonstrate(helpers.numpy(time_step.observation))
    errors = np.abs(action - wanted).mean(axis=0)
    guessed = np.abs(wanted - wanted.mean(axis=0)).mean(axis=0)
    assert (errors < 0.4 * guessed).all(), errors / guessed


def test_learns_two_modes():
    agent = helpers.make_diffusion_agent(window=1)
    train(agent, [helpers.make_two_modes(64, seed) for seed in range(20)], 1000)
    _, action = act(agent, 200)
    distances = np.abs(action[:, None] - helpers.TWO_MODES).max(axis=-1)
    assert (distances.min(axis=1) < 0.3).mean() > 0.9
    assert 0.3 < (distances.argmin(axis=1) == 0).mean() < 0.7


def test_a_row_depends_on_its_seed_alone():
    agent = helpers.make_diffusion_agent()
    time_step = helpers.make_time_step(3)
    state = {**agent.policy.get_initial_state(3), "seed": tf.constant([[1, 2], [3, 4], [5, 6]])}
    together = agent.policy.action(time_step, state).action
    alone = agent.policy.action(*tf.nest.map_structure(lambda leaf: leaf[1:2], (time_step, state)))
    np.testing.assert_allclose(alone.action, together[1:2], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("window", 0, "window must be an integer of at least 1, got 0"),
        ("width", 0, "width must be an integer of at least 1, got 0"),
        ("process", 7, "process must be"),
        ("encoder", None, "encoder must be"),
    ],
)
def test_invalid_settings_raise(name, value, message):
    with pytest.raises(ValueError, match=message):
        helpers.make_diffusion_agent(**{name: value})


def test_gin_configures_the_agent():
    gin.parse_config("""
        DiffusionAgent.encoder = @MlpEncoder()
        DiffusionAgent.process = @DiffusionProcess()
        DiffusionAgent.window = 1
        DiffusionProcess.num_levels = 7
        DiffusionProcess.num_steps = 3
        MlpEncoder.width = 12
    """)
    agent = agents.DiffusionAgent(
        helpers.TIME_STEP_SPEC,
        helpers.ACTION_SPEC,
        helpers.make_normalizer(),
        optimizer=tf.keras.optimizers.Adam(),
        train_step_counter=tf.Variable(0, dtype=tf.int64),
    )
    assert agent.train_sequence_length == 1
    assert agent._process == policies.DiffusionProcess(num_levels=7, num_steps=3)
