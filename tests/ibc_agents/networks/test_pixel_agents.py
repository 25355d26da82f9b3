"""Agents with image observations: number of encodings, uint8 memory, and training."""

import gin
import numpy as np
import pytest
import tensorflow as tf
from tf_agents.policies import policy_saver

from ibc_agents import agents, losses, networks, policies, samplers
from ibc_agents.cli.gin_config import configurables
from tests.ibc_agents import helpers, pixels

N = 64
CONFIG = """
ImplicitBCAgent.energy_network = @MlpEnergyNetwork()
ImplicitBCAgent.optimizer = @tf.keras.optimizers.Adam()
CounterExamples.number = 64
PolicySearch.number = 512
MlpEnergyNetwork.encoder = @PixelEncoder()
MlpEnergyNetwork.width = 64
MseAgent.encoder = @PixelEncoder()
MseAgent.optimizer = @tf.keras.optimizers.Adam()
MdnAgent.encoder = @PixelEncoder()
MdnAgent.optimizer = @tf.keras.optimizers.Adam()
tf.keras.optimizers.Adam.learning_rate = 3e-3
"""
SOFT_ARGMAX = """
PixelEncoder.image_layers = [@ConvResNet(), @SpatialSoftArgmax()]
ConvResNet.channels = (12,)
ConvResNet.strides = (1,)
"""
MAX_POOL = """
PixelEncoder.image_layers = [@CoordConv(), @ConvMaxPool(), @GlobalAveragePooling()]
PixelEncoder.head = @MlpEncoder()
ConvMaxPool.channels = (16, 32)
MlpEncoder.width = 64
MlpEncoder.depth = 2
"""


def make_agent(agent_class, **kwargs):
    agent = agent_class(
        pixels.TIME_STEP_SPEC,
        pixels.ACTION_SPEC,
        normalizer=pixels.make_normalizer(),
        train_step_counter=tf.Variable(0, dtype=tf.int64),
        **kwargs,
    )
    agent.initialize()
    return agent


def make_implicit(**kwargs):
    encoder = networks.PixelEncoder([networks.ConvMaxPool((4, 8)), networks.SpatialSoftArgmax()])
    settings = dict(
        energy_network=networks.MlpEnergyNetwork(width=16, encoder=encoder),
        optimizer=tf.keras.optimizers.Adam(1e-3),
        counter_examples=agents.CounterExamples(number=N),
        policy_search=policies.PolicySearch(number=N),
    )
    return make_agent(agents.ImplicitBCAgent, **{**settings, **kwargs})


@pytest.fixture
def convolved(monkeypatch):
    """Records the batch size of every executed convolution."""
    batch_sizes = []
    plain = tf.keras.layers.Conv2D.convolution_op

    def count(inputs):
        batch_sizes.append(len(inputs))
        return inputs

    def convolution_op(self, inputs, kernel):
        outputs = plain(self, inputs, kernel)
        # Runs with every execution of the convolution, also in a loop of a compiled graph.
        counted = tf.numpy_function(count, [tf.stop_gradient(outputs)], tf.float32)
        with tf.control_dependencies([counted]):
            return tf.identity(outputs)

    monkeypatch.setattr(tf.keras.layers.Conv2D, "convolution_op", convolution_op)
    return batch_sizes


def test_the_fixture_counts_executions(convolved):
    network = networks.ConvMaxPool((4,))
    image = tf.zeros([3, 8, 8, 1])
    network(image)
    loop = tf.function(lambda: tf.map_fn(network, tf.stack([image] * 5)), autograph=False)
    loop()
    loop()
    assert convolved == [3] * 11


def test_contract_energy_network_encodes_images_once_a_training_step(convolved):
    """Each layer runs once per step on B rows, with chains and the gradient penalty."""
    agent = make_implicit(
        counter_examples=agents.CounterExamples(number=N, sampler=samplers.Langevin(5)),
        gradient_penalty=losses.GradientPenalty(),
    )
    train, experience = helpers.compiled(agent.train), pixels.make_experience(6)
    convolved.clear()
    for _ in range(3):
        train(experience)
    assert convolved == [6] * (3 * 2)


def test_contract_energy_network_encodes_images_once_an_action(convolved):
    sampler = samplers.Sequence([samplers.DerivativeFree(4), samplers.Langevin(5)])
    agent = make_implicit(policy_search=policies.PolicySearch(sampler, N))
    action = helpers.compiled(agent.policy.action)
    experience = pixels.make_experience(6)
    state = agent.policy.get_initial_state(6)
    convolved.clear()
    for frame, step_type in ((0, helpers.FIRST), (1, helpers.MID)):
        state = action(pixels.make_time_step(experience, frame, step_type), state).state
    assert convolved == [6] * (2 * 2)


def test_autoregressive_energies_encode_images_once_for_all_dimensions(convolved):
    encoder = networks.PixelEncoder([networks.ConvMaxPool((4, 8)), networks.SpatialSoftArgmax()])
    agent = make_agent(
        agents.AutoregressiveBCAgent,
        energy_network=networks.PrefixEnergyNetwork(
            lambda: networks.MlpEnergyNetwork(width=16), encoder
        ),
        optimizer=tf.keras.optimizers.Adam(1e-3),
        num_counter_examples=N,
        policy_search=policies.PolicySearch(samplers.Autoregressive(), N),
    )
    train, action = helpers.compiled(agent.train), helpers.compiled(agent.policy.action)
    experience, state = pixels.make_experience(6), agent.policy.get_initial_state(6)
    convolved.clear()
    train(experience)
    assert convolved == [6] * 2
    action(pixels.make_time_step(experience, 0, helpers.FIRST), state)
    assert convolved == [6] * 4


def test_images_stay_uint8_up_to_the_encoder():
    """This includes the policy state and the output of the normalizer."""
    agent = make_implicit()
    experience = pixels.make_experience(3)
    assert agent.policy.policy_state_spec["observations"]["rgb"].dtype == tf.uint8
    state = agent.policy.get_initial_state(3)
    step = agent.policy.action(pixels.make_time_step(experience, 0, helpers.FIRST), state)
    remembered = step.state["observations"]["rgb"]
    assert remembered.dtype == tf.uint8
    np.testing.assert_array_equal(remembered[:, 0], experience.observation["rgb"][:, 0])
    seen = agent.normalizer.normalize_observation(experience.observation)
    np.testing.assert_array_equal(seen["rgb"], experience.observation["rgb"])
    assert seen["rgb"].dtype == tf.uint8 and seen["offset"].dtype == tf.float32


def test_a_saved_policy_takes_raw_images(tmp_path):
    agent = make_implicit()
    agent.train(pixels.make_experience(8))
    policy = agent.policy
    policy_saver.PolicySaver(policy, batch_size=None).save(str(tmp_path / "policy"))
    saved = tf.saved_model.load(str(tmp_path / "policy"))
    time_step = pixels.make_time_step(pixels.make_experience(3), 0, helpers.FIRST)
    state = policy.get_initial_state(3)
    np.testing.assert_allclose(
        saved.action(time_step, state).action,
        policy.action(time_step, state).action,
        rtol=1e-4,
        atol=1e-5,
    )


def held_out_errors(agent, experience):
    """Returns the squared distance of policy action and demonstrated action, [B]."""
    policy = agent.policy
    state = policy.get_initial_state(experience.step_type.shape[0])
    for frame, step_type in ((0, helpers.FIRST), (1, helpers.MID)):
        step = policy.action(pixels.make_time_step(experience, frame, step_type), state)
        state = step.state
    return np.square(step.action - experience.action[:, -1]).sum(axis=-1)


@pytest.mark.parametrize(
    ("agent_class", "encoder", "num_steps"),
    [
        pytest.param(agents.MseAgent, SOFT_ARGMAX, 200, marks=pytest.mark.slow),
        (agents.MseAgent, MAX_POOL, 200),
        pytest.param(agents.MdnAgent, SOFT_ARGMAX, 200, marks=pytest.mark.slow),
        (agents.ImplicitBCAgent, SOFT_ARGMAX, 250),
    ],
    ids=["mse_soft_argmax", "mse_max_pool", "mdn_soft_argmax", "implicit_soft_argmax"],
)
def test_a_pixel_agent_learns_the_position_of_the_dot(agent_class, encoder, num_steps):
    """The held-out error is far below that of the mean action. gin configures the agent."""
    configurables.register()
    gin.parse_config([CONFIG, encoder])
    agent = make_agent(agent_class)
    train = helpers.compiled(agent.train)
    demonstrations = pixels.make_experience(2000)
    rng = np.random.default_rng(0)
    for _ in range(num_steps):
        rows = rng.integers(0, 2000, 64)
        train(tf.nest.map_structure(lambda leaf, rows=rows: tf.gather(leaf, rows), demonstrations))
    held_out = pixels.make_experience(300, seed=1)
    errors = held_out_errors(agent, held_out)
    action = held_out.action[:, -1].numpy()
    gains = np.square(action - demonstrations.action[:, -1].numpy().mean(axis=0)).sum(-1) - errors
    # A margin of ten standard errors excludes chance.
    assert gains.mean() > 10 * gains.std() / np.sqrt(len(gains))
    assert errors.mean() < 0.25 * (gains + errors).mean()
