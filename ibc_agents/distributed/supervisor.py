"""All roles of a job on this machine: started, watched, started again, ended."""

from __future__ import annotations

import pathlib
import time
from collections.abc import Sequence

from ibc_agents import errors
from ibc_agents.distributed import child_process, screen, stopping, supervised_role

_SECONDS_BETWEEN_LOOKS = 0.5
# The others see for themselves that the job has ended.
_FAREWELL_SECONDS = 10.0
# A role needs 10 s at most to end when it is asked to.
_GRACE_SECONDS = 12.0


def run(
    arguments: Sequence[str],
    num_replays: int,
    num_evaluators: int,
    logs: pathlib.Path,
    max_restarts: int,
) -> None:
    """Runs a job to its end.

    Args:
        arguments: of every role.
        num_replays: replay servers to start.
        num_evaluators: evaluators to start.
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

    def supervised(name: str, *of_role: str) -> supervised_role.SupervisedRole:
        command = [*of_role, *arguments]
        return supervised_role.SupervisedRole(
            name,
            lambda: child_process.ChildProcess(command, logs / f"{name}.log"),
            max_restarts,
        )

    learner = supervised("learner", "--role=learner")
    roles = [
        *(
            supervised(f"replay-{number}", "--role=replay", f"--replay_index={number}")
            for number in range(num_replays)
        ),
        learner,
        *(
            supervised(f"evaluator-{number}", "--role=evaluator")
            for number in range(num_evaluators)
        ),
    ]
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
