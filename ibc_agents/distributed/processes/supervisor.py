"""All roles of a job on this machine: started, watched, started again, ended."""

from __future__ import annotations

import functools
import pathlib
import time
from collections.abc import Iterable, Mapping, Sequence

from ibc_agents.core import errors
from ibc_agents.distributed.processes import child_process, screen, stopping, supervised_role

_SECONDS_BETWEEN_LOOKS = 0.5
# The others see for themselves that the job has ended.
_FAREWELL_SECONDS = 10.0
# A role needs 10 s at most to end when it is asked to.
_GRACE_SECONDS = 12.0


def run(
    commands: Mapping[str, Sequence[str]],
    last: str,
    logs: pathlib.Path,
    max_restarts: int,
) -> None:
    """Runs a job to its end.

    Args:
        commands: the arguments of each role, by its name.
        last: name of the one whose end is the job's.
        logs: folder of the roles' logs.
        max_restarts: of each role; one more death ends the job.

    Raises:
        RunError: if a role cannot go on, or has died too often; all roles have ended.
        Stopped: this process is to stop; all roles have ended.
    """
    try:
        logs.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise errors.RunError(
            f"Cannot write to {logs}: {error.strerror}. Choose another --root_dir."
        ) from error
    stop = stopping.StopRequest(grace_seconds=2 * _GRACE_SECONDS)

    roles = {
        name: supervised_role.SupervisedRole(
            name,
            functools.partial(child_process.ChildProcess, command, logs / f"{name}.log"),
            max_restarts,
        )
        for name, command in commands.items()
    }
    status = screen.Screen()
    try:
        while not roles[last].finished:
            status.show([_line(role) for role in roles.values()])
            stop.wait(_SECONDS_BETWEEN_LOOKS)
        _wait_for_end(roles.values())
    finally:
        for role in roles.values():
            role.terminate()
        deadline = time.monotonic() + _GRACE_SECONDS
        for role in roles.values():
            role.end(max(0.0, deadline - time.monotonic()))


def _line(role: supervised_role.SupervisedRole) -> str:
    how = role.look()
    restarts = f", restart {role.restarts}" if role.restarts else ""
    return f"{role.name:<12} (process {role.pid}{restarts})  {how}"


def _wait_for_end(roles: Iterable[supervised_role.SupervisedRole]) -> None:
    deadline = time.monotonic() + _FAREWELL_SECONDS
    for role in roles:
        role.wait(max(0.0, deadline - time.monotonic()))
