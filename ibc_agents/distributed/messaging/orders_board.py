"""The learner's orders, as those who wait for them read them."""

from __future__ import annotations

from collections.abc import Iterator

from ibc_agents.distributed.messaging import contact, messages, protocol, tables
from ibc_agents.distributed.processes import role_process

_SECONDS_BETWEEN_LOOKS = 0.25


def follow(server: contact.Contact, process: role_process.RoleProcess) -> Iterator[protocol.Orders]:
    """Yields the newest orders again and again, until the job has ended.

    Args:
        server: the first replay server.
        process: this one.

    Raises:
        Stopped: this process is to stop.
    """
    board = messages.Board(server.address, tables.ORDERS)
    while True:
        process.stop.wait(_SECONDS_BETWEEN_LOOKS)
        server.wait_for(lambda sizes: sizes[tables.ORDERS] > 0)
        try:
            orders = protocol.Orders.from_message(board.get())
        except messages.Unreachable:
            continue
        if orders.finished:
            return
        yield orders
