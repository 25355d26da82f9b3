"""Messages between the roles, in tables of the replay server."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import reverb
import tensorflow as tf

_MOST_WAITING = 1000


class Unreachable(Exception):
    """The server has gone while it was asked; whoever watches it says so."""


@contextlib.contextmanager
def reaching() -> Iterator[None]:
    """Tells what Reverb raises for a server that is gone from all other errors.

    Raises:
        Unreachable: the server has gone.
    """
    try:
        yield
    except (RuntimeError, reverb.errors.ReverbError, tf.errors.OpError) as error:
        raise Unreachable(str(error)) from error


class _Messages:
    """A table of messages at a server."""

    def __init__(self, address: str, name: str) -> None:
        """Addresses the table.

        Args:
            address: `host:port` of the replay server.
            name: of the table.
        """
        self._client = reverb.Client(address)
        self._name = name

    def put(self, message: list[np.ndarray]) -> None:
        """Adds a message, which has at least one array.

        Raises:
            Unreachable: the server has gone.
        """
        with reaching():
            self._client.insert(message, {self._name: 1.0})


class Board(_Messages):
    """Holds one message for all who look at it: the newest."""

    @staticmethod
    def table(name: str) -> reverb.Table:
        """What a server must have for it."""
        return reverb.Table(
            name=name,
            sampler=reverb.selectors.Lifo(),
            remover=reverb.selectors.Fifo(),
            max_size=1,
            rate_limiter=reverb.rate_limiters.MinSize(1),
        )

    def get(self) -> list[np.ndarray]:
        """Returns the message; waits until there is one.

        Raises:
            Unreachable: the server has gone.
        """
        with reaching():
            return next(iter(self._client.sample(self._name)))[0].data


class Mailbox(_Messages):
    """Takes messages from many for one reader; beyond a thousand the oldest are dropped."""

    @staticmethod
    def table(name: str) -> reverb.Table:
        """What a server must have for it."""
        return reverb.Table(
            name=name,
            sampler=reverb.selectors.Fifo(),
            remover=reverb.selectors.Fifo(),
            max_size=_MOST_WAITING,
            max_times_sampled=1,
            rate_limiter=reverb.rate_limiters.MinSize(1),
        )

    def receive(self, count: int) -> list[list[np.ndarray]]:
        """Takes out messages, oldest first.

        Args:
            count: of messages, which must be there: nobody else may take any.

        Raises:
            Unreachable: the server has gone.
        """
        with reaching():
            return [sample[0].data for sample in self._client.sample(self._name, count)]


def to_array(content: Any) -> np.ndarray:
    """Returns JSON as an array, uint8 ``[bytes]``."""
    return np.frombuffer(json.dumps(content).encode(), np.uint8)


def from_array(array: np.ndarray) -> Any:
    """Returns what `to_array` was given."""
    return json.loads(array.tobytes())
