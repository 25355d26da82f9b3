"""Outages of a replay server are detected."""

import contextlib

import numpy as np
import pytest
import reverb

from ibc_agents.distributed.messaging import channels, server_connection
from tests.data.sources import listening
from tests.ibc_agents.distributed import fake_process

TABLE = "table"

# `abort` exits a real process. That of a fake one raises an exception in its thread.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


@contextlib.contextmanager
def connected(port, process, patience_seconds=60.0):
    connection = server_connection.ServerConnection(f"localhost:{port}", process, patience_seconds)
    with contextlib.closing(connection):
        yield connection


def start_server(port):
    return reverb.Server([channels.Broadcast.table(TABLE)], port=port)


def test_reports_the_sizes_of_the_tables():
    port = listening.free_port()
    server = start_server(port)
    with connected(port, fake_process.FakeProcess()) as connection:
        connection.wait_until(lambda sizes: TABLE in sizes)
        assert connection.table_sizes == connection.query_table_sizes() == {TABLE: 0}
        channels.Broadcast(connection.address, TABLE).send([np.zeros(1)])
        connection.wait_until(lambda sizes: sizes[TABLE] == 1)
    server.stop()


def test_verifies_a_server_after_an_outage():
    port = listening.free_port()
    process = fake_process.FakeProcess()
    process.health.ready = True
    verdicts = [True, False]
    server = start_server(port)
    with connected(port, process) as connection:
        connection.wait_until(lambda sizes: True)
        connection.verify_after_outage = lambda: verdicts.pop()
        server.stop()
        process.wait_for_line("does not answer; waiting for at most 60 s")
        assert not process.health.report().ready
        server = start_server(port)
        process.wait_for_line("answers again after")
        while verdicts:
            process.shutdown.wait(0.1)
    server.stop()
    assert process.health.report().ready


def test_aborts_the_process_after_a_long_outage():
    port = listening.free_port()
    process = fake_process.FakeProcess()
    with connected(port, process, patience_seconds=1.0) as connection:
        assert process.aborted.wait(300)
        assert connection.table_sizes is None
    expected = f"the replay server localhost:{port} has not answered for"
    assert process.abort_message.startswith(expected)
