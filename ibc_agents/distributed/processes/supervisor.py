"""Runs all roles of a job on this machine."""

from __future__ import annotations

import functools
import os
import pathlib
import time
from collections.abc import Iterable, Mapping, Sequence

from ibc_agents.core import errors
from ibc_agents.distributed.processes import (
    child_process,
    health,
    health_report,
    ports,
    shutdown,
    status_display,
    supervised_role,
)

_POLL_SECONDS = 0.5
# Time for the other roles to read that the job has finished.
_FINISH_SECONDS = 10.0
# Time beyond the grace period of a role until it is killed.
_EXIT_SECONDS = 4.0


def run(
    commands: Mapping[str, Sequence[str]],
    final_role: str,
    log_folder: pathlib.Path,
    max_restarts: int,
    health_port: int | None,
    public: bool,
    grace_seconds: float,
) -> None:
    """Runs a job until it has finished.

    Args:
        commands: Arguments of each role, by its name.
        final_role: Name of the role whose end is the end of the job.
        log_folder: Folder of the roles' logs.
        max_restarts: Largest number of restarts of each role; one more failure ends the job.
        health_port: Port of an HTTP endpoint that reports the health of the job; None for none.
        public: Whether other machines may connect to the endpoint.
        grace_seconds: Time from SIGTERM to the forced exit of a role, in seconds.

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
    grace_seconds += _EXIT_SECONDS
    handler = shutdown.ShutdownHandler(2 * grace_seconds)
    roles: list[supervised_role.SupervisedRole] = []
    if health_port is not None:
        health.serve(functools.partial(_report, tuple(commands), roles), health_port, public)
    with ports.hold_free_ports(len(commands)) as health_ports:
        roles += [
            supervised_role.SupervisedRole(
                name,
                functools.partial(
                    child_process.ChildProcess, command, log_folder / f"{name}.log", port
                ),
                max_restarts,
            )
            for (name, command), port in zip(commands.items(), health_ports, strict=True)
        ]
        _run_until_finished(roles, final_role, handler, grace_seconds)


def _run_until_finished(
    roles: Sequence[supervised_role.SupervisedRole],
    final_role: str,
    handler: shutdown.ShutdownHandler,
    grace_seconds: float,
) -> None:
    (final,) = (role for role in roles if role.name == final_role)
    display = status_display.StatusDisplay()
    try:
        while not final.finished:
            display.show([_status_line(role) for role in roles])
            handler.wait(_POLL_SECONDS)
        _wait_for_exit(roles)
    finally:
        for role in roles:
            role.terminate()
        deadline = time.monotonic() + grace_seconds
        for role in roles:
            role.kill_after(max(0.0, deadline - time.monotonic()))


def _report(
    names: Sequence[str], roles: Sequence[supervised_role.SupervisedRole]
) -> health_report.HealthReport:
    """Returns the health of the job: it is ready if all roles have started and are."""
    ready = {role.name for role in roles if role.is_ready}
    waiting = [name for name in names if name not in ready]
    return health_report.HealthReport(
        role="job",
        process=os.getpid(),
        ready=not waiting,
        step=max((role.step for role in roles if role.step is not None), default=None),
        seconds_since_contact=None,
        message=f"waiting for {', '.join(waiting)}" if waiting else "all roles are ready",
    )


def _status_line(role: supervised_role.SupervisedRole) -> str:
    status = role.poll()
    restarts = f", restart {role.restarts}" if role.restarts else ""
    return f"{role.name:<12} (process {role.pid}{restarts})  {status}"


def _wait_for_exit(roles: Iterable[supervised_role.SupervisedRole]) -> None:
    deadline = time.monotonic() + _FINISH_SECONDS
    for role in roles:
        role.wait(max(0.0, deadline - time.monotonic()))
