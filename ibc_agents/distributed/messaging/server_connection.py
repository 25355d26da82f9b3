"""A connection to a replay server that detects outages."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import reverb

from data import errors as data_errors
from ibc_agents.core import errors
from ibc_agents.distributed.messaging import channels
from ibc_agents.distributed.processes import role_process

_POLL_SECONDS = 1.0
_TIMEOUT_SECONDS = 2
_WAIT_SECONDS = 0.1


class ServerConnection:
    """Polls a replay server in a thread.

    Reverb's datasets and clients wait silently for an unreachable server and continue when one
    answers at the same address. This class logs an outage within 5 s, and aborts the process after
    an outage that is too long.

    Attributes:
        address: `host:port` of the server.
        table_sizes: Number of items in each table at the last poll; None during an outage.
        verify_after_outage: Called after an outage until it returns True.
    """

    def __init__(
        self, address: str, process: role_process.RoleProcess, patience_seconds: float
    ) -> None:
        """Starts to poll the server.

        Args:
            address: `host:port` of the server.
            process: Process that logs outages and is aborted.
            patience_seconds: Longest outage, in seconds.
        """
        self.address = address
        self.table_sizes: dict[str, int] | None = None
        self.verify_after_outage: Callable[[], bool] = lambda: True
        self._client = reverb.Client(address)
        self._process = process
        self._patience_seconds = patience_seconds
        self._last_answer = time.monotonic()
        self._has_answered = False
        self._is_out = False
        self._is_verified = True
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._poll, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stops polling."""
        self._closed.set()
        self._thread.join()

    def query_table_sizes(self) -> dict[str, int] | None:
        """Returns the number of items in each table now; None if the server does not answer."""
        try:
            tables = self._client.server_info(timeout=_TIMEOUT_SECONDS)
        except (RuntimeError, reverb.errors.ReverbError):
            return None
        return {name: table.current_size for name, table in tables.items()}

    def wait_until(self, condition: Callable[[dict[str, int]], bool]) -> None:
        """Waits until the server answers and its table sizes meet a condition.

        Raises:
            ShutdownRequested: If this process has been asked to stop.
        """
        while (sizes := self.table_sizes) is None or not condition(sizes):
            self._process.shutdown.wait(_WAIT_SECONDS)

    def retry(self, request: Callable[[], Any]) -> Any:
        """Returns the result of a request; repeats the request after outages.

        Raises:
            ShutdownRequested: If this process has been asked to stop.
        """
        while True:
            self.wait_until(lambda sizes: True)
            try:
                return request()
            except (channels.ServerUnreachable, data_errors.DataError):
                self._process.shutdown.wait(_POLL_SECONDS)

    def _poll(self) -> None:
        try:
            self._watch()
        except errors.UserError as error:
            self._process.abort(str(error))

    def _watch(self) -> None:
        while not self._closed.is_set():
            sizes = self.query_table_sizes()
            if sizes is None:
                self._handle_silence()
            else:
                self._handle_answer()
            self.table_sizes = sizes
            if sizes is not None and not self._is_verified:
                self._is_verified = self.verify_after_outage()
                if self._is_verified:
                    self._process.health.unreachable_servers.discard(self.address)
            self._closed.wait(_POLL_SECONDS)

    def _handle_answer(self) -> None:
        if self._is_out:
            seconds = time.monotonic() - self._last_answer
            answers = "answers again" if self._has_answered else "answers"
            self._process.log(f"the replay server {self.address} {answers} after {seconds:.0f} s")
            self._is_out, self._is_verified = False, False
        self._has_answered = True
        self._last_answer = time.monotonic()
        self._process.health.record_contact()

    def _handle_silence(self) -> None:
        silent_seconds = time.monotonic() - self._last_answer
        if not self._is_out:
            self._is_out = True
            self._process.health.unreachable_servers.add(self.address)
            patience = f"for at most {self._patience_seconds:.0f} s"
            self._process.log(
                f"the replay server {self.address} does not answer; waiting {patience}"
                if self._has_answered
                else f"waiting {patience} for the replay server {self.address}"
            )
        elif silent_seconds > self._patience_seconds:
            self._process.abort(
                f"the replay server {self.address} has not answered for {silent_seconds:.0f} s. "
                "Start it, or correct --replay_address, then run this command again."
            )
