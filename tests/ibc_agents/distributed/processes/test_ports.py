"""Addresses and ports."""

import pytest

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
