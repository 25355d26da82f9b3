"""Notices when the replay server is gone, which Reverb's own clients do not say."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import reverb

from data.errors import DataError
from ibc_agents.distributed.messaging import messages
from ibc_agents.distributed.processes import role_process

_SECONDS_BETWEEN_LOOKS = 1.0
_ANSWER_WITHIN_SECONDS = 2
_WAITING_SECONDS = 0.1


class Contact:
    """Asks a server again and again how much is in its tables, in a thread.

    Datasets and clients of a server that is gone wait without a word, and go on by themselves when
    one answers at the same address. This says so in the log, in less than 5 s, and ends the process
    when nobody has answered for too long.

    Attributes:
        address: `host:port` of the server.
        sizes: items in each table a moment ago; None while the server is gone.
        after_outage: called when the server is back, and again until it returns True.
    """

    def __init__(
        self, address: str, process: role_process.RoleProcess, patience_seconds: float
    ) -> None:
        """Begins to ask.

        Args:
            address: `host:port` of the server.
            process: that is told.
            patience_seconds: how long a server may be gone.
        """
        self.address = address
        self.sizes: dict[str, int] | None = None
        self.after_outage: Callable[[], bool] = lambda: True
        self._client = reverb.Client(address)
        self._process = process
        self._patience = patience_seconds
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Asks no more."""
        self._closed.set()
        self._thread.join()

    def ask(self) -> dict[str, int] | None:
        """Returns the items in each table now; None if the server does not answer in time."""
        try:
            tables = self._client.server_info(timeout=_ANSWER_WITHIN_SECONDS)
        except (RuntimeError, reverb.errors.ReverbError):
            return None
        return {name: table.current_size for name, table in tables.items()}

    def wait_for(self, condition: Callable[[dict[str, int]], bool]) -> None:
        """Waits until the server answers and the items in its tables are as wanted.

        Raises:
            Stopped: this process is to stop.
        """
        while (sizes := self.sizes) is None or not condition(sizes):
            self._process.stop.wait(_WAITING_SECONDS)

    def call(self, function: Callable[[], Any]) -> Any:
        """Returns what `function` does; calls it again as often as the server is gone meanwhile.

        Raises:
            Stopped: this process is to stop.
        """
        while True:
            self.wait_for(lambda sizes: True)
            try:
                return function()
            except (messages.Unreachable, DataError):
                self._process.stop.wait(_SECONDS_BETWEEN_LOOKS)

    def _look_on(self) -> None:
        last_answer = time.monotonic()
        is_gone, is_verified = False, True
        while not self._closed.is_set():
            sizes = self.ask()
            silent_seconds = time.monotonic() - last_answer
            if sizes is not None:
                if is_gone:
                    self._process.say(
                        f"the replay server {self.address} answers again, after "
                        f"{silent_seconds:.0f} s"
                    )
                    is_gone, is_verified = False, False
                last_answer = time.monotonic()
                self._process.health.touch()
            elif not is_gone:
                is_gone = True
                self._process.health.missing.add(self.address)
                self._process.say(
                    f"the replay server {self.address} does not answer; waiting for it, at most "
                    f"{self._patience:.0f} s"
                )
            elif silent_seconds > self._patience:
                self._process.give_up(
                    f"The replay server {self.address} has not answered for "
                    f"{silent_seconds:.0f} s. Start it, or check the address; then start this "
                    "command again."
                )
            self.sizes = sizes
            if sizes is not None and not is_verified:
                is_verified = self.after_outage()
                if is_verified:
                    self._process.health.missing.discard(self.address)
            self._closed.wait(_SECONDS_BETWEEN_LOOKS)
