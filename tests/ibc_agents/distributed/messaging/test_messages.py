"""Boards, mailboxes and policies in the tables of a real server in this process."""

import numpy as np
import pytest
import reverb
import tensorflow as tf

from ibc_agents.distributed.messaging import messages, protocol, tables, variables
from ibc_agents.rollouts import evaluation
from tests.ibc_agents import helpers


@pytest.fixture(scope="module")
def policy():
    return helpers.make_mse_agent().policy


@pytest.fixture
def address(policy):
    server = reverb.Server(tables.of(policy))
    yield f"localhost:{server.port}"
    server.stop()


def sizes(address):
    found = reverb.Client(address).server_info(timeout=5)
    return {name: table.current_size for name, table in found.items()}


def test_a_board_shows_the_newest_message_to_all(address):
    board = messages.Board(address, tables.ORDERS)
    for step in (1, 2):
        board.put(protocol.Orders("learner", step, 5, {"a": (0, 4)}).to_message())
    wanted = protocol.Orders("learner", 2, 5, {"a": (0, 4)})
    for _ in range(3):
        other = messages.Board(address, tables.ORDERS)
        assert protocol.Orders.from_message(other.get()) == wanted
    assert sizes(address)[tables.ORDERS] == 1


def test_arrays_of_any_form_make_a_message(address):
    board = messages.Board(address, tables.HELD_OUT)
    sent = [np.arange(6, dtype=np.uint8).reshape(1, 2, 3), np.float32(7), np.zeros([2], np.int64)]
    board.put(sent)
    for ours, theirs in zip(sent, board.get(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
        assert ours.dtype == theirs.dtype


def test_a_mailbox_gives_each_message_once_in_order(address):
    mailbox = messages.Mailbox(address, tables.REPORTS)
    outcome = evaluation.Outcome(3, True, 0.1, 50)
    sent = [protocol.Report(name, "learner", 1, 2, (outcome,)) for name in "abc"]
    for report in sent:
        messages.Mailbox(address, tables.REPORTS).put(report.to_message())
    received = mailbox.receive(2)
    assert sizes(address)[tables.REPORTS] == 1
    received += mailbox.receive(1)
    assert [protocol.Report.from_message(message) for message in received] == sent


def test_a_mailbox_that_nobody_reads_takes_what_comes(address):
    mailbox = messages.Mailbox(address, tables.REPORTS)
    for number in range(1010):
        mailbox.put([np.array([number])])
    assert sizes(address)[tables.REPORTS] == 1000
    assert mailbox.receive(1)[0][0][0] == 10


def test_a_policy_becomes_the_one_that_was_pushed(address, policy):
    time_step = helpers.make_time_step(5)
    pushed = helpers.make_mse_agent(seed=3).policy
    state = pushed.get_initial_state(5)
    wanted = pushed.action(time_step, state).action.numpy()
    assert np.abs(policy.action(time_step, state).action.numpy() - wanted).max() > 1e-3
    variables.push(address, [variable.numpy() for variable in pushed.variables()], step=70)
    assert variables.pull(address, policy) == 70
    np.testing.assert_array_equal(policy.action(time_step, state).action.numpy(), wanted)
    assert all(isinstance(variable, tf.Variable) for variable in policy.variables())
