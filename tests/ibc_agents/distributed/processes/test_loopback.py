"""Other machines cannot connect to a restricted port."""

import socket

import pytest

from ibc_agents.core import errors
from ibc_agents.distributed.processes import loopback
from tests.ibc_agents.distributed import connections


@pytest.fixture
def listener():
    with socket.create_server(("", 0)) as server:
        yield server


def test_restricts_a_listener_on_all_interfaces(listener):
    addresses = connections.other_addresses()
    if not addresses:
        pytest.skip("this machine has no other address")
    port = listener.getsockname()[1]
    assert all(connections.answers(address, port) for address in addresses)
    loopback.restrict_to_loopback(port)
    assert not any(connections.answers(address, port) for address in addresses)
    assert connections.answers("127.0.0.1", port)


def test_a_port_without_a_listener_is_an_error(listener):
    port = listener.getsockname()[1]
    listener.close()
    with pytest.raises(errors.RunError, match=f"does not listen on port {port}"):
        loopback.restrict_to_loopback(port)
