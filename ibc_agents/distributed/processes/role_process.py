"""What the process of every role has."""

from __future__ import annotations

import os
import sys
import time
from typing import NoReturn

from ibc_agents.distributed.processes import health as health_lib
from ibc_agents.distributed.processes import stopping

# As sendmail's EX_TEMPFAIL: to start the same command again may help.
TRY_AGAIN = 75


class RoleProcess:
    """A name in the log, health, and an end when it is asked for.

    Attributes:
        name: of the role.
        health: what it tells of itself.
        stop: whether it is to stop.
    """

    def __init__(self, name: str, health_port: int | None, public: bool) -> None:
        """Takes over signals and begins to tell its health.

        Args:
            name: of the role.
            health_port: of the HTTP endpoint; None for no endpoint.
            public: whether other machines may ask for it.

        Raises:
            RunError: if the port is taken.
        """
        self.name = name
        self.health = health_lib.Health(name)
        self.stop = stopping.StopRequest()
        if health_port is not None:
            health_lib.serve(self.health, health_port, public)

    def say(self, text: str) -> None:
        """Prints a line with time and role."""
        self.health.says = text
        print(f"{time.strftime('%H:%M:%S')} {self.name}: {text}", flush=True)

    def give_up(self, sentence: str) -> NoReturn:
        """Ends the process from any thread, even if another is held in native code."""
        self.say(f"giving up: {sentence}")
        print(f"error: {sentence}", file=sys.stderr, flush=True)
        self.end(TRY_AGAIN)

    def end(self, exit_code: int) -> NoReturn:
        """Ends the process; threads that wait for a server are not waited for."""
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(exit_code)
