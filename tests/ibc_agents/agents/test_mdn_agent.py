"""The mixture-density baseline: its loss, its numerical limits and its training."""

import gin
import numpy as np
import pytest
import tensorflow as tf

from ibc_agents import agents, networks
from tests.ibc_agents import helpers


def with_actions(experience, action):
    actions = np.broadcast_to(np.float32(action), experience.action.shape)
    return experience._replace(action=tf.constant(actions))


def two_actions(batch_size, seed):
    """Returns demonstrations of scaled actions ±0.5, independent of the observation."""
    experience = helpers.make_experience(batch_size, 2, seed)
    side = np.random.default_rng(seed).choice([-0.5, 0.5], (batch_size, 1, 1))
    scaled = tf.constant(np.broadcast_to(side, (batch_size, 2, 2)), tf.float32)
    return experience._replace(action=helpers.make_normalizer().unscale_action(scaled))


def train(agent, experiences, steps):
    """Returns the report of every step."""
    step = helpers.compiled(agent.train)
    return [step(experiences[k % len(experiences)]) for k in range(steps)]


@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_loss_is_the_negative_log_density_of_the_newest_action(temperature):
    agent = helpers.make_mdn_agent(training_temperature=temperature, policy_temperature=0.7)
    experience = helpers.make_experience(6, 2)
    observation = agent.normalizer.normalize_observation(experience.observation)
    parameters, _ = agent._mixture_network(observation)
    action = agent.normalizer.scale_action(experience.action[:, -1]).numpy()
    info = agent.loss(experience)
    log_density = helpers.mixture_log_density(parameters, action, temperature)
    np.testing.assert_allclose(info.loss, -log_density.mean(), rtol=1e-5)

    weights = tf.nn.softmax(parameters.logits / temperature).numpy()
    entropy = -np.sum(weights * np.log(weights), axis=1).mean()
    shares = [
        np.log(weights[:, k])
        + helpers.mixture_log_density([p[:, k : k + 1] for p in parameters], action)
        for k in range(26)
    ]
    taken = np.argmax(shares, axis=0)
    stddev = parameters.stddevs.numpy()[np.arange(6), taken].mean()
    assert set(info.extra) == {"component_stddev", "weights_entropy", "example_losses"}
    np.testing.assert_allclose(info.extra["component_stddev"], stddev, rtol=1e-5)
    np.testing.assert_allclose(info.extra["weights_entropy"], entropy, rtol=1e-5)


def test_policy_has_its_own_temperature():
    agent = helpers.make_mdn_agent(training_temperature=2.5, policy_temperature=0.7)
    assert agent.policy._temperature == 0.7


def test_learns_both_modes_whose_mean_regression_learns():
    """The policy takes one mode, and its distribution samples both about equally often."""
    experiences = [two_actions(64, seed) for seed in range(20)]
    time_step, modes = helpers.make_time_step(64, seed=99), {}
    for make in (helpers.make_mdn_agent, helpers.make_mse_agent):
        agent = make()
        train(agent, experiences, 200)
        state = agent.policy.get_initial_state(64)
        action = agent.policy.action(time_step, state).action
        modes[make] = agent.normalizer.scale_action(action).numpy()
        if make is helpers.make_mdn_agent:
            distribution = agent.policy.distribution(time_step, state).action
            drawn = agent.normalizer.scale_action(distribution.sample(200, seed=1)).numpy()
    assert np.abs(modes[helpers.make_mse_agent]).mean() < 0.2
    mode = modes[helpers.make_mdn_agent]
    assert (np.sign(mode[:, 0]) == np.sign(mode[:, 1])).all()
    np.testing.assert_allclose(np.abs(mode), 0.5, atol=0.1)
    assert 0.35 < (drawn[..., 0] > 0).mean() < 0.65
    np.testing.assert_allclose(np.abs(drawn).mean(), 0.5, atol=0.1)


def test_repeated_actions_reach_the_floor_and_stay_finite():
    """Without the floor, likelihood and gradients would grow without bound."""
    floor = 0.02
    agent = helpers.make_mdn_agent(min_stddev=floor)
    experience = with_actions(helpers.make_experience(32, 2), [0.3, 1.0])
    infos = train(agent, [experience], 500)
    highest = 2 * -np.log(floor * np.sqrt(2 * np.pi))  # the density at the mean of one Gaussian
    losses = np.array([info.loss for info in infos])
    assert np.isfinite(losses).all() and (losses >= -highest - 1e-4).all()
    assert losses[-50:].mean() < -0.8 * highest
    assert infos[-1].extra["component_stddev"] < 1.5 * floor
    assert agent.skipped_steps.numpy() == 0


def test_an_excessive_learning_rate_keeps_everything_finite():
    agent = helpers.make_mdn_agent(
        min_stddev=1e-3,
        encoder=networks.MlpEncoder(width=64, depth=4),
        optimizer=tf.keras.optimizers.Adam(0.3),
    )
    infos = train(agent, [helpers.make_experience(64, 2, seed) for seed in range(10)], 1000)
    assert np.isfinite([float(info.loss) for info in infos]).all()
    assert agent.skipped_steps.numpy() == 0
    time_step, state = helpers.make_time_step(8), agent.policy.get_initial_state(8)
    assert np.isfinite(agent.policy.action(time_step, state).action).all()


def test_the_learned_policy_acts_like_the_demonstrations():
    agent = helpers.make_mdn_agent()
    train(agent, [helpers.make_experience(64, 2, seed) for seed in range(20)], 400)
    time_step = helpers.make_time_step(64, seed=999)
    action = agent.policy.action(time_step, agent.policy.get_initial_state(64)).action
    wanted = helpers.demonstrate(helpers.numpy(time_step.observation))
    errors = np.abs(action - wanted).mean(axis=0)
    guessed = np.abs(wanted - wanted.mean(axis=0)).mean(axis=0)
    assert (errors < 0.25 * guessed).all()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("num_components", 0, "num_components must be an integer of at least 1, got 0"),
        ("min_stddev", 0.0, "min_stddev must be a number .*, got 0.0"),
        ("training_temperature", 0.0, "training_temperature must be a number .*, got 0.0"),
        ("policy_temperature", -1.0, "policy_temperature must be a number .*, got -1.0"),
        ("window", 0, "window must be an integer of at least 1, got 0"),
    ],
)
def test_invalid_numbers_raise(name, value, message):
    with pytest.raises(ValueError, match=message):
        helpers.make_mdn_agent(**{name: value})


def test_gin_configures_the_agent():
    gin.parse_config("""
        MdnAgent.encoder = @MlpEncoder()
        MdnAgent.num_components = 3
        MdnAgent.window = 1
        MlpEncoder.width = 12
    """)
    agent = agents.MdnAgent(
        helpers.TIME_STEP_SPEC,
        helpers.ACTION_SPEC,
        helpers.make_normalizer(),
        optimizer=tf.keras.optimizers.Adam(),
        train_step_counter=tf.Variable(0, dtype=tf.int64),
    )
    assert agent.train_sequence_length == 1
    observation = agent.normalizer.normalize_observation(helpers.make_experience(2, 1).observation)
    assert agent._mixture_network(observation)[0].means.shape == (2, 3, 2)
    for line in ("MdnAgent.num_component = 3", "MdnAgent.normalizer = 1"):
        with pytest.raises(ValueError, match="num_component|normalizer"):
            gin.parse_config(line)
