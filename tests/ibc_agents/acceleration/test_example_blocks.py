"""Losses and gradients in blocks of examples are those of all examples at once."""

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents import losses, networks, samplers
from ibc_agents.acceleration import example_blocks
from tests.ibc_agents import helpers

KINDS = {
    "uniform": lambda: {},
    "densities": lambda: dict(loss=losses.RankingNCE()),
    "langevin": lambda: dict(
        num_counter_examples=4,
        counter_example_sampler=samplers.Langevin(5),
        gradient_penalty=losses.GradientPenalty(margin=0.1),
        neighborhood=losses.Neighborhood(),
    ),
}
BATCH = 19
WEIGHTS = tf.constant(np.random.default_rng(0).uniform(size=BATCH), tf.float32)


def numbers(enabled, kind, weights, last=(), batch_size=BATCH):
    tf.keras.utils.set_random_seed(0)
    # 34 actions a block.
    network = networks.MlpEnergyNetwork(
        width=16,
        depth=4,
        encoder=networks.MlpEncoder(width=8, depth=2),
        blocks=networks.CacheBlocks(enabled, num_bytes=34 * 4 * 16),
    )
    agent = helpers.make_agent(energy_network=network, **KINDS[kind]())
    experience = helpers.make_experience(batch_size, 2)
    step_type = experience.step_type.numpy()
    step_type[list(last), -1] = helpers.LAST
    experience = experience._replace(step_type=tf.constant(step_type))

    def differentiate():
        variables = network.trainable_variables
        with tf.GradientTape() as tape:
            loss_info = agent.loss(experience, weights, training=True)
        return loss_info, tape.gradient(
            loss_info.loss, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )

    return helpers.compiled(differentiate)()


@pytest.mark.parametrize(
    ("kind", "weights", "last"),
    [("uniform", None, ()), ("densities", WEIGHTS, ()), ("langevin", None, (2, 12))],
)
def test_losses_reports_and_gradients_are_those_of_all_examples_at_once(
    monkeypatch, kind, weights, last
):
    plain = numbers(False, kind, weights, last)
    entered = []
    original = example_blocks.losses_in_blocks

    def entering(*arguments):
        entered.append(arguments[-1])
        return original(*arguments)

    monkeypatch.setattr(example_blocks, "losses_in_blocks", entering)
    blocks = numbers(True, kind, weights, last)
    assert 1 < entered[0] < BATCH
    tf.nest.assert_same_structure(plain, blocks)
    for value, expected in zip(tf.nest.flatten(blocks), tf.nest.flatten(plain), strict=True):
        assert value.shape == expected.shape
        np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-6)
    assert all(np.abs(gradient).max() > 0 for gradient in blocks[1][:-1])


def test_a_few_blocks_are_one(monkeypatch):
    """They would take longer to trace than they save."""
    monkeypatch.setattr(example_blocks, "losses_in_blocks", lambda *_: pytest.fail("in blocks"))
    numbers(True, "uniform", None, batch_size=8)


@pytest.mark.parametrize("size", [1, 2, 5, 7])
def test_an_average_of_squares(size):
    """d/dw mean (w c)² = 2 w mean c², whatever the size of the last block."""
    weight = tf.Variable(3.0)
    code = tf.constant(np.arange(5.0)[:, None], tf.float32)

    def score(code, rows):
        value = weight * code[:, 0] + rows
        return tf.square(value), {"value": value}

    with tf.GradientTape() as tape:
        tape.watch(code)
        values, report = example_blocks.losses_in_blocks(score, code, tf.zeros([5]), [weight], size)
        total = tf.reduce_mean(values)
    in_weight, in_code = tape.gradient(total, [weight, code])
    np.testing.assert_allclose(values, 9 * np.arange(5.0) ** 2)
    np.testing.assert_allclose(report["value"], 3 * np.arange(5.0))
    np.testing.assert_allclose(in_weight, 2 * 3 * np.mean(np.arange(5.0) ** 2))
    np.testing.assert_allclose(in_code[:, 0], 2 * 9 * np.arange(5.0) / 5)
