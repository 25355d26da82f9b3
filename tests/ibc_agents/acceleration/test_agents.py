"""Agents train and act equally with and without acceleration."""

import gin
import numpy as np
import pytest
import tensorflow as tf

from ibc_agents import acceleration, agents, losses, networks, policies, samplers
from ibc_agents.acceleration import score as score_lib
from tests.ibc_agents import helpers

# Tolerances of losses, gradients and actions: docs/architecture.md, contract "Acceleration".
TOLERANCE = dict(rtol=1e-4, atol=1e-5)
BATCH = 19
WEIGHTS = tf.constant(np.random.default_rng(0).uniform(size=BATCH), tf.float32)
KINDS = {
    "uniform": lambda: {},
    "densities": lambda: dict(loss=losses.RankingNCE()),
    "langevin": lambda: dict(
        counter_examples=agents.CounterExamples(
            number=4, sampler=samplers.Langevin(5), action_noise_stddev=0.02
        ),
        gradient_penalty=losses.GradientPenalty(margin=0.1),
        conditional_nce=losses.ConditionalNCE(),
    ),
}
# 34 actions in a block.
BLOCKS = dict(block_bytes=34 * 4 * 16)
WAYS = {
    "off": dict(enabled=False),
    "no blocks": dict(blocks=False),
    "blocks": dict(blocks=True, **BLOCKS),
    "measured": {},
}


def make_agent(way, kind, **options):
    tf.keras.utils.set_random_seed(0)
    network = networks.MlpEnergyNetwork(
        width=16, depth=4, encoder=networks.MlpEncoder(width=8, depth=2)
    )
    return helpers.make_agent(
        energy_network=network,
        acceleration=acceleration.Acceleration(**WAYS[way]),
        **KINDS[kind](),
        **options,
    )


def differentiate(way, kind, weights=None, last=(), batch_size=BATCH):
    agent = make_agent(way, kind)
    experience = helpers.make_experience(batch_size, 2)
    step_type = experience.step_type.numpy()
    step_type[list(last), -1] = helpers.LAST
    experience = experience._replace(step_type=tf.constant(step_type))

    def loss_and_gradients():
        variables = agent.energy_network.trainable_variables
        with tf.GradientTape() as tape:
            loss_info = agent.loss(experience, weights, training=True)
        return loss_info, tape.gradient(
            loss_info.loss, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )

    return helpers.compiled(loss_and_gradients)()


@pytest.mark.parametrize("way", ["no blocks", "blocks", "measured"])
@pytest.mark.parametrize(
    ("kind", "weights", "last"),
    [("uniform", None, ()), ("densities", WEIGHTS, ()), ("langevin", None, (2, 12))],
)
def test_contract_acceleration_changes_losses_and_gradients_by_rounding_only(
    way, kind, weights, last
):
    expected = differentiate("off", kind, weights, last)
    found = differentiate(way, kind, weights, last)
    tf.nest.assert_same_structure(expected, found)
    for value, wanted in zip(tf.nest.flatten(found), tf.nest.flatten(expected), strict=True):
        assert value.shape == wanted.shape
        np.testing.assert_allclose(value, wanted, **TOLERANCE)
    # The last biases shift all energies equally and have no effect on the loss.
    assert all(np.abs(gradient).max() > 0 for gradient in found[1] if gradient.shape.rank == 2)


def test_contract_acceleration_changes_training_and_actions_by_rounding_only():
    def train_and_act(way):
        search = policies.PolicySearch(samplers.Langevin(10), 32)
        # Not Adam, which amplifies rounding errors of vanishing gradients to full steps.
        optimizer = tf.keras.optimizers.SGD(1e-2)
        agent = make_agent(way, "langevin", policy_search=search, optimizer=optimizer)
        train = helpers.compiled(agent.train)
        for seed in range(5):
            train(helpers.make_experience(BATCH, 2, seed))
        weights = [variable.numpy() for variable in agent.energy_network.variables]
        state = agent.policy.get_initial_state(3)
        state["seed"] = tf.constant([[1, 2], [3, 4], [5, 6]])
        return [*weights, agent.policy.action(helpers.make_time_step(3), state).action]

    expected = train_and_act("off")
    for value, wanted in zip(train_and_act("blocks"), expected, strict=True):
        np.testing.assert_allclose(value, wanted, **TOLERANCE)


@pytest.mark.parametrize(("batch_size", "in_blocks"), [(BATCH, True), (8, False)])
def test_large_batches_are_scored_in_blocks(monkeypatch, batch_size, in_blocks):
    """Tracing a few blocks takes longer than they save."""
    sizes = []
    original = score_lib.losses_in_blocks

    def recording(*arguments):
        sizes.append(arguments[-1])
        return original(*arguments)

    monkeypatch.setattr(score_lib, "losses_in_blocks", recording)
    differentiate("blocks", "uniform", batch_size=batch_size)
    assert bool(sizes) == in_blocks
    assert all(1 < size < batch_size for size in sizes)


def test_gin_switches_acceleration_off():
    gin.parse_config("Acceleration.enabled = False")
    network, sampler = helpers.make_energy_network(), samplers.Langevin()
    assert acceleration.Acceleration().network(network) is network
    assert acceleration.Acceleration().sampler(sampler) is sampler


@pytest.mark.parametrize("scope", ["", "train/"])
def test_parts_that_gin_makes_are_accelerated(scope):
    """Subclasses are not, and gin must not make one of a class that it configures."""
    head = gin.get_configurable(f"{scope}SoftMinimum")(units=4)
    network = gin.get_configurable(f"{scope}MlpEnergyNetwork")(width=16, head=head)
    code = helpers.make_agent(energy_network=network).energy_network.encode(
        helpers.make_experience(3, 2).observation
    )
    assert network.dense_energy(code, num_dimensions=2) is not None
    sampler = gin.get_configurable(f"{scope}Langevin")()
    assert acceleration.Acceleration().sampler(sampler) is not sampler
