"""Only one process listens on a held port, and other machines cannot connect to it."""

import contextlib
import os
import socket
import time

import pytest

from data.sources import server_port
from ibc_agents.core import errors
from tests.data.sources import listening

REVERB = (socket.SO_REUSEADDR, socket.SO_REUSEPORT)
TENSORFLOW = (socket.SO_REUSEADDR,)


def start_server(port, options=REVERB):
    """Listens like a gRPC server of these options, on all interfaces."""
    server = socket.socket()
    for option in options:
        server.setsockopt(socket.SOL_SOCKET, option, 1)
    server.bind(("", port))
    server.listen()
    return server


@pytest.mark.parametrize("options", [REVERB, TENSORFLOW])
def test_a_held_port_is_taken_for_others_before_and_after_a_server_listens(options):
    held = server_port.ServerPort()
    message = f"cannot listen on port {held.number} .*another job"
    with pytest.raises(OSError):
        start_server(held.number, options)
    with pytest.raises(errors.RunError, match=message):
        server_port.ServerPort(held.number)
    with held.hand_over() as port, pytest.raises(errors.RunError, match=message):
        server = start_server(port, options)
        server_port.ServerPort(port)
    with server, pytest.raises(errors.RunError, match=message):
        server_port.ServerPort(held.number)


def test_the_server_gets_all_connections_and_only_from_this_machine():
    held = server_port.ServerPort()
    with held.hand_over() as port:
        server = start_server(port)
    with server:
        assert port in listening.listening_ports(os.getpid())
        assert port not in listening.unrestricted_ports()
        assert port not in listening.reachable_ports(os.getpid())
        for _ in range(8):
            with socket.create_connection(("127.0.0.1", port)):
                server.settimeout(10)
                server.accept()[0].close()


def test_restricts_a_server_whose_constructor_waits():
    with server_port.ServerPort().hand_over() as port:
        server = start_server(port)
        while port in listening.unrestricted_ports():
            time.sleep(0.001)
    server.close()


@pytest.mark.parametrize("address", listening.other_addresses())
def test_closes_connections_of_other_machines_that_were_faster(address):
    """This machine's own address stands for another machine."""
    connections = []
    while not connections:  # The restriction may be faster.
        with server_port.ServerPort().hand_over() as port:
            server = start_server(port)
            with contextlib.suppress(ConnectionRefusedError):
                connections = [socket.create_connection((address, port)), server.accept()[0]]
    assert connections[0].recv(1) == b""
    for each in (server, *connections):
        each.close()


def test_keeps_connections_of_this_machine():
    with server_port.ServerPort().hand_over() as port:
        server = start_server(port)
        client, accepted = socket.create_connection(("127.0.0.1", port)), server.accept()[0]
    accepted.sendall(b"answer")
    assert client.recv(6) == b"answer"
    for each in (server, client, accepted):
        each.close()


def test_a_public_port_is_held_but_not_restricted():
    held = server_port.ServerPort(public=True)
    with held.hand_over() as port:
        server = start_server(port)
    with server, pytest.raises(errors.RunError):
        assert port in listening.unrestricted_ports()
        server_port.ServerPort(port)


def test_a_block_that_starts_no_server_is_an_error():
    held = server_port.ServerPort()
    with pytest.raises(errors.RunError, match=f"does not listen on port {held.number}"):
        with held.hand_over():
            pass
    server_port.ServerPort(held.number).close()
