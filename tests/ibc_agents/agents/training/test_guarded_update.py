"""No optimizer makes weights or its own state not finite."""

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents.agents.training import guarded_update
from tests.ibc_agents import helpers

optimizers = tf.keras.optimizers

# Each makes weights or its state not finite, though all gradients are finite.
UNSTABLE = {
    "epsilon_0": lambda: optimizers.Adam(1e-3, epsilon=0.0),
    "beta_1_is_1": lambda: optimizers.Adam(1e-3, beta_1=1.0),
    "beta_2_above_1": lambda: optimizers.Adam(1e-3, beta_2=1.5),
    "huge_decay": lambda: optimizers.AdamW(1.0, weight_decay=1e30),
    "huge_momentum": lambda: optimizers.RMSprop(1e-3, momentum=1e30),
    "rho_above_1": lambda: optimizers.RMSprop(1e-3, rho=1.5),
    "learning_rate": lambda: optimizers.Adam(np.inf),
}


def make(optimizer, compiled):
    """Returns two weights, the guard, and a function that takes a step with their gradients."""
    weights = [tf.Variable([1.0, -2.0]), tf.Variable([[3.0]])]
    guard = guarded_update.GuardedUpdate(optimizer)
    guard.build(weights)

    def step(first, second, loss=1.0):
        return guard(tf.constant(loss), [first, second], weights)

    step = tf.function(step) if compiled else step
    return weights, guard, lambda a, b, **kw: step(tf.constant(a), tf.constant(b), **kw)


def values(variables):
    return [variable.numpy() for variable in variables]


def assert_equal(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "eager"])
@pytest.mark.parametrize("name", UNSTABLE)
def test_weights_and_optimizer_state_stay_finite(name, compiled):
    """The weights after a skipped step are those before it."""
    weights, guard, step = make(UNSTABLE[name](), compiled)
    for _ in range(6):
        before, skipped = values(weights), int(guard.skipped)
        step([0.0, 1.0], [[-2.0]])
        assert guard.has_finite_state()
        assert all(np.isfinite(value).all() for value in values(weights))
        if guard.skipped > skipped:
            assert_equal(values(weights), before)
    assert guard.skipped > 0


def test_one_bad_update_among_good_ones_is_undone_and_counted():
    """A learning rate that is not finite for one step."""
    weights, guard, step = make(optimizers.SGD(0.5), compiled=True)
    rate = guard.optimizer.learning_rate
    step([1.0, 1.0], [[1.0]])
    before = values(weights)
    assert_equal(before, [[0.5, -2.5], [[2.5]]])
    rate.assign(np.inf)
    step([1.0, 1.0], [[1.0]])
    assert_equal(values(weights), before)
    assert (int(guard.skipped), int(guard.skipped_in_a_row)) == (1, 1)
    rate.assign(0.5)
    step([1.0, 1.0], [[1.0]])
    assert_equal(values(weights), [[0.0, -3.0], [[2.0]]])
    assert (int(guard.skipped), int(guard.skipped_in_a_row)) == (1, 0)


def test_good_updates_are_those_of_the_optimizer_alone():
    weights, guard, step = make(optimizers.Adam(0.1), compiled=True)
    alone = [tf.Variable(value) for value in values(weights)]
    optimizer = optimizers.Adam(0.1)
    for k in range(5):
        gradients = [[float(k), 1.0], [[0.1 * k]]]
        step(*gradients)
        optimizer.apply_gradients(zip(map(tf.constant, gradients), alone, strict=True))
    assert_equal(values(weights), values(alone))
    assert_equal(values(guard.optimizer.variables), values(optimizer.variables))
    assert guard.skipped == 0


def test_state_that_overflows_alone_is_found():
    """An accumulator of squares that is infinite freezes the weights and leaves them finite."""
    weights, guard, step = make(optimizers.Adagrad(0.1), compiled=True)
    for _ in range(2):
        step([1.5e19, 0.0], [[1.0]])
    assert all(np.isfinite(value).all() for value in values(weights))
    assert guard.skipped == 0 and not guard.has_finite_state()


def test_an_agent_keeps_its_last_finite_weights():
    agent = helpers.make_mse_agent(optimizer=optimizers.Adam(1e-3, beta_2=1.5))
    before = values(agent._variables())
    train = helpers.compiled(agent.train)
    for k in range(3):
        assert np.isfinite(train(helpers.make_experience(8, 2, seed=k)).loss)
    assert_equal(values(agent._variables()), before)
    assert agent.skipped_steps_in_a_row.numpy() == 3 and agent.train_step_counter.numpy() == 3
    assert agent.has_finite_optimizer_state()
