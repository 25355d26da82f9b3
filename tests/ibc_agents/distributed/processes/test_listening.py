"""Who may connect."""

import contextlib
import socket
import subprocess

import pytest

from ibc_agents.core import errors
from ibc_agents.distributed.processes import listening


def other_addresses():
    """This machine's addresses besides the loopback ones."""
    found = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=True)
    return [address for address in found.stdout.split() if ":" not in address]


def answers(host, port):
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=2):
        return True
    return False


@pytest.fixture
def listener():
    with socket.create_server(("", 0)) as server:
        yield server


def test_what_listens_everywhere_is_kept_to_this_machine(listener):
    addresses = other_addresses()
    if not addresses:
        pytest.skip("this machine has no other address")
    port = listener.getsockname()[1]
    assert all(answers(address, port) for address in addresses)
    listening.keep_local(port)
    assert not any(answers(address, port) for address in addresses)
    assert answers("127.0.0.1", port)


def test_nothing_to_keep_is_an_error(listener):
    port = listener.getsockname()[1]
    listener.close()
    with pytest.raises(errors.RunError, match=f"Nothing listens at port {port}"):
        listening.keep_local(port)


def test_a_port_that_is_taken_is_named(listener):
    port = listener.getsockname()[1]
    with pytest.raises(errors.RunError, match=f"port {port} .*another process of a job"):
        listening.check_free(port)
    listener.close()
    listening.check_free(port)


@pytest.mark.parametrize("address", ["", "host", "host:", ":80", "host:0", "host:65536", "host:x"])
def test_what_is_no_address(address):
    with pytest.raises(errors.RunError, match="no address of a replay server; write host:port"):
        listening.port_of(address)


def test_the_port_of_an_address():
    assert listening.port_of("replay-0.jobs:43210") == 43210


def test_only_public_interfaces_are_public():
    assert listening.interface(public=False) == "127.0.0.1"
    assert listening.interface(public=True) == "0.0.0.0"
