"""Runs all roles of a job on this machine."""

from __future__ import annotations

import functools
import pathlib
import time
from collections.abc import Iterable, Mapping, Sequence

from ibc_agents.core import errors
from ibc_agents.distributed.processes import (
    child_process,
    shutdown,
    status_display,
    supervised_role,
)

_POLL_SECONDS = 0.5
# Time for the other roles to read that the job has finished.
_FINISH_SECONDS = 10.0
# A role exits within 10 s of SIGTERM.
_GRACE_SECONDS = 12.0


def run(
    commands: Mapping[str, Sequence[str]],
    final_role: str,
    log_folder: pathlib.Path,
    max_restarts: int,
) -> None:
    """Runs a job until it has finished.

    Args:
        commands: Arguments of each role, by its name.
        final_role: Name of the role whose end is the end of the job.
        log_folder: Folder of the roles' logs.
        max_restarts: Largest number of restarts of each role; one more failure ends the job.

    Raises:
        RunError: If a role has failed with an error of the user, or too often.
        ShutdownRequested: If this process has been asked to stop.

        All roles have exited in both cases.
    """
    try:
        log_folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise errors.RunError(
            f"cannot write to {log_folder} ({error.strerror}). Choose another --root_dir."
        ) from error
    handler = shutdown.ShutdownHandler(grace_seconds=2 * _GRACE_SECONDS)

    roles = {
        name: supervised_role.SupervisedRole(
            name,
            functools.partial(child_process.ChildProcess, command, log_folder / f"{name}.log"),
            max_restarts,
        )
        for name, command in commands.items()
    }
    display = status_display.StatusDisplay()
    try:
        while not roles[final_role].finished:
            display.show([_status_line(role) for role in roles.values()])
            handler.wait(_POLL_SECONDS)
        _wait_for_exit(roles.values())
    finally:
        for role in roles.values():
            role.terminate()
        deadline = time.monotonic() + _GRACE_SECONDS
        for role in roles.values():
            role.kill_after(max(0.0, deadline - time.monotonic()))


def _status_line(role: supervised_role.SupervisedRole) -> str:
    status = role.poll()
    restarts = f", restart {role.restarts}" if role.restarts else ""
    return f"{role.name:<12} (process {role.pid}{restarts})  {status}"


def _wait_for_exit(roles: Iterable[supervised_role.SupervisedRole]) -> None:
    deadline = time.monotonic() + _FINISH_SECONDS
    for role in roles:
        role.wait(max(0.0, deadline - time.monotonic()))
