"""Channels for messages, each of them a table of a replay server."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import reverb
import tensorflow as tf

from ibc_agents.core import errors, version
from ibc_agents.distributed.messaging import sealing

_QUEUE_CAPACITY = 1000


class ServerUnreachable(Exception):
    """The replay server has stopped answering during a request."""


@contextlib.contextmanager
def convert_connection_errors() -> Iterator[None]:
    """Converts the errors that Reverb raises for an unreachable server.

    Raises:
        ServerUnreachable: If the block raised one of them.
    """
    try:
        yield
    except (RuntimeError, reverb.errors.ReverbError, tf.errors.OpError) as error:
        raise ServerUnreachable(str(error)) from error


class _Channel:
    """Sends messages to a table. A message is a list of at least one array."""

    _selector: ClassVar[Any]
    _capacity: ClassVar[int]
    _max_reads: ClassVar[int]  # Of each message; 0 for no limit.

    def __init__(self, address: str, name: str) -> None:
        """Creates a client of the channel.

        Args:
            address: `host:port` of the replay server.
            name: Name of the table.
        """
        self._client = reverb.Client(address)
        self._address = address
        self._name = name

    @classmethod
    def table(cls, name: str, signature: Any = None) -> reverb.Table:
        """Returns the table that the server needs for the channel.

        Args:
            name: Name of the table.
            signature: Nest of `tf.TensorSpec` of a message; None allows any message.
        """
        return reverb.Table(
            name=name,
            sampler=cls._selector(),
            remover=reverb.selectors.Fifo(),
            max_size=cls._capacity,
            max_times_sampled=cls._max_reads,
            rate_limiter=reverb.rate_limiters.MinSize(1),
            signature=signature,
        )

    def send(self, message: list[np.ndarray]) -> None:
        """Adds a message.

        Raises:
            ServerUnreachable: If the server does not answer.
        """
        with convert_connection_errors():
            self._client.insert(sealing.seal(message), {self._name: 1.0})


class Broadcast(_Channel):
    """Shows the newest message to every reader."""

    _selector = reverb.selectors.Lifo
    _capacity = 1
    _max_reads = 0

    def read(self) -> list[np.ndarray]:
        """Returns the newest message; waits until there is one.

        Raises:
            ServerUnreachable: If the server does not answer.
            RunError: If the message is damaged, or of another program or release.
        """
        with convert_connection_errors():
            sealed = next(iter(self._client.sample(self._name)))[0].data
        try:
            return sealing.unseal(sealed)
        except sealing.ForeignMessage as error:
            raise errors.RunError(
                f"a message in the table {self._name} of the replay server {self._address} was not "
                f"written by this release ({version.__version__}) of ibc_agents. Use one release "
                "for all processes of the job, and protect the port of the server."
            ) from error


class MessageQueue(_Channel):
    """Carries messages from many senders to one reader.

    A full queue, of 1,000 messages, drops the oldest.
    """

    _selector = reverb.selectors.Fifo
    _capacity = _QUEUE_CAPACITY
    _max_reads = 1

    def receive(self, count: int) -> list[list[np.ndarray]]:
        """Removes messages from the queue, oldest first, and drops those of other programs.

        Args:
            count: Number of messages, at most as many as the queue holds.

        Raises:
            ServerUnreachable: If the server does not answer.
        """
        with convert_connection_errors():
            sealed = [sample[0].data for sample in self._client.sample(self._name, count)]
        messages = []
        for data in sealed:
            with contextlib.suppress(sealing.ForeignMessage):
                messages.append(sealing.unseal(data))
        return messages


def encode_json(content: Any) -> np.ndarray:
    """Encodes a value of JSON types as an array, uint8 [bytes]."""
    return np.frombuffer(json.dumps(content).encode(), np.uint8)


def decode_json(array: np.ndarray) -> Any:
    """Decodes an array of `encode_json`."""
    return json.loads(array.tobytes())
