"""Addresses and ports."""

import socket

import pytest
import reverb

from data.sources import replay_server, server_port
from ibc_agents.core import errors
from ibc_agents.distributed.processes import ports


@pytest.mark.parametrize("address", ["", "host", "host:", ":80", "host:0", "host:65536", "host:x"])
def test_rejects_invalid_addresses(address):
    with pytest.raises(errors.RunError, match="is not an address. Use host:port"):
        ports.parse_port(address)


def test_parses_the_port_of_an_address():
    assert ports.parse_port("replay-0.jobs:43210") == 43210


def test_binds_to_all_interfaces_only_if_public():
    assert ports.bind_address(public=False) == "127.0.0.1"
    assert ports.bind_address(public=True) == "0.0.0.0"


def test_a_held_port_is_free_for_a_server_of_a_child_alone():
    """`server_port` and `health` are the servers; both set SO_REUSEADDR."""
    with ports.hold_free_ports(2) as (first, second):
        assert first != second
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("", first))
        for _ in range(2):  # A role is restarted.
            with server_port.ServerPort(first).hand_over():
                server = reverb.Server(replay_server.replay_tables(), first)
            assert reverb.Client(f"localhost:{first}").server_info(timeout=10)
            with pytest.raises(errors.RunError, match="another job"):
                server_port.ServerPort(first)
            server.stop()
        socket.create_server(("127.0.0.1", second)).close()
    socket.create_server(("127.0.0.1", first)).close()


def test_the_system_gives_held_ports_to_no_other_process():
    with ports.hold_free_ports(200) as held:
        others = [server_port.ServerPort() for _ in range(200)]
        assert len({*held, *(port.number for port in others)}) == 400
        for port in others:
            port.close()
