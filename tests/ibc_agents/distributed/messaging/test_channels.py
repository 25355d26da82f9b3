"""Channels and policies in the tables of a real server in this process."""

import numpy as np
import pytest
import reverb

from ibc_agents.core import errors
from ibc_agents.distributed.messaging import (
    channels,
    evaluation_messages,
    policy_variables,
    tables,
)
from ibc_agents.rollouts import evaluation
from tests.ibc_agents import helpers


@pytest.fixture(scope="module")
def policy():
    return helpers.make_mse_agent().policy


@pytest.fixture
def address(policy):
    server = reverb.Server(tables.create_tables(policy))
    yield f"localhost:{server.port}"
    server.stop()


def sizes(address):
    info = reverb.Client(address).server_info(timeout=5)
    return {name: table.current_size for name, table in info.items()}


def test_a_broadcast_shows_the_newest_message_to_every_reader(address):
    sender = channels.Broadcast(address, tables.ASSIGNMENTS)
    for step in (1, 2):
        message = evaluation_messages.Assignments("learner", step, 5, {"a": (0, 4)}).to_message()
        sender.send(message)
    expected = evaluation_messages.Assignments("learner", 2, 5, {"a": (0, 4)})
    for _ in range(3):
        reader = channels.Broadcast(address, tables.ASSIGNMENTS)
        assert evaluation_messages.Assignments.from_message(reader.read()) == expected
    assert sizes(address)[tables.ASSIGNMENTS] == 1


def test_a_message_has_arrays_of_any_shape_and_dtype(address):
    channel = channels.Broadcast(address, tables.VALIDATION_BATCHES)
    sent = [np.arange(6, dtype=np.uint8).reshape(1, 2, 3), np.float32(7), np.zeros([2], np.int64)]
    channel.send(sent)
    for original, received in zip(sent, channel.read(), strict=True):
        np.testing.assert_array_equal(original, received)
        assert original.dtype == received.dtype


def test_a_queue_delivers_each_message_once_in_order(address):
    queue = channels.MessageQueue(address, tables.REPORTS)
    outcome = evaluation.Outcome(3, True, 0.1, 50)
    sent = [evaluation_messages.Report(name, "learner", 1, 2, (outcome,)) for name in "abc"]
    for report in sent:
        channels.MessageQueue(address, tables.REPORTS).send(report.to_message())
    received = queue.receive(2)
    assert sizes(address)[tables.REPORTS] == 1
    received += queue.receive(1)
    assert [evaluation_messages.Report.from_message(message) for message in received] == sent


def test_a_full_queue_drops_the_oldest_messages(address):
    queue = channels.MessageQueue(address, tables.REPORTS)
    for number in range(1010):
        queue.send([np.array([number])])
    assert sizes(address)[tables.REPORTS] == 1000
    assert queue.receive(1)[0][0][0] == 10


def test_a_pulled_policy_acts_like_the_pushed_one(address, policy):
    time_step = helpers.make_time_step(5)
    pushed = helpers.make_mse_agent(seed=3).policy
    state = pushed.get_initial_state(5)
    expected = pushed.action(time_step, state).action.numpy()
    assert np.abs(policy.action(time_step, state).action.numpy() - expected).max() > 1e-3
    values = [variable.numpy() for variable in pushed.variables()]
    policy_variables.push(address, "learner", values, step=70)
    assert policy_variables.pull(address, policy) == 70
    np.testing.assert_array_equal(policy.action(time_step, state).action.numpy(), expected)


def test_a_policy_of_another_learner_is_not_pulled(address, policy):
    before = policy_variables.read_values(policy)
    policy_variables.push(address, "theirs", [value + 1 for value in before], step=70)
    assert policy_variables.pull(address, policy, "ours") is None
    for old, new in zip(before, policy_variables.read_values(policy), strict=True):
        np.testing.assert_array_equal(old, new)
    policy_variables.push(address, "ours", [value + 1 for value in before], step=80)
    assert policy_variables.pull(address, policy, "ours") == 80


def test_messages_of_other_programs_are_recognized(address):
    client = reverb.Client(address)
    theirs = channels.encode_json({"learner": "theirs"})
    client.insert([theirs], {tables.ASSIGNMENTS: 1.0})
    with pytest.raises(errors.RunError, match=f"{tables.ASSIGNMENTS} of the replay server localho"):
        channels.Broadcast(address, tables.ASSIGNMENTS).read()
    queue = channels.MessageQueue(address, tables.REPORTS)
    client.insert([theirs], {tables.REPORTS: 1.0})
    queue.send([np.arange(3)])
    [[received]] = queue.receive(2)
    assert received.tolist() == [0, 1, 2]
