"""All roles of a job on this machine: started, watched, started again, ended."""

from __future__ import annotations

import pathlib
import time
from collections.abc import Sequence

from ibc_agents import disk
from ibc_agents.distributed import child_process, screen, stopping, supervised_role

_SECONDS_BETWEEN_LOOKS = 0.5
# The others see for themselves that the job has ended.
_FAREWELL_SECONDS = 10.0
# A role needs 10 s at most to end when it is asked to.
_GRACE_SECONDS = 12.0


def run(
    arguments: Sequence[str], num_evaluators: int, logs: pathlib.Path, max_restarts: int
) -> None:
    """Runs a job to its end.

    Args:
        arguments: of every role.
        num_evaluators: how many to start.
        logs: folder of the roles' logs.
        max_restarts: of each role; one more death ends the job.

    Raises:
        RunError: if a role cannot go on, or has died too often; all roles have ended.
        Stopped: this process is to stop; all roles have ended.
    """
    stop = stopping.StopRequest(grace_seconds=2 * _GRACE_SECONDS)
    with disk.writing(logs):
        logs.mkdir(parents=True, exist_ok=True)

    def supervised(kind: str, name: str) -> supervised_role.SupervisedRole:
        command = [f"--role={kind}", *arguments]
        return supervised_role.SupervisedRole(
            name,
            lambda: child_process.ChildProcess(command, logs / f"{name}.log"),
            max_restarts,
        )

    learner = supervised("learner", "learner")
    roles = [supervised("replay", "replay"), learner]
    roles += [supervised("evaluator", f"evaluator-{number}") for number in range(num_evaluators)]
    status = screen.Screen()
    try:
        while not learner.finished:
            status.show([_line(role) for role in roles])
            stop.wait(_SECONDS_BETWEEN_LOOKS)
        _wait_for_end(roles)
    finally:
        for role in roles:
            role.terminate()
        deadline = time.monotonic() + _GRACE_SECONDS
        for role in roles:
            role.end(max(0.0, deadline - time.monotonic()))


def _line(role: supervised_role.SupervisedRole) -> str:
    how = role.look()
    restarts = f", restart {role.restarts}" if role.restarts else ""
    return f"{role.name:<12} (process {role.pid}{restarts})  {how}"


def _wait_for_end(roles: Sequence[supervised_role.SupervisedRole]) -> None:
    deadline = time.monotonic() + _FAREWELL_SECONDS
    for role in roles:
        role.wait(max(0.0, deadline - time.monotonic()))
