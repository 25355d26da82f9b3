"""Reads mutants in a worker process, and survives its crashes and hangs."""

from __future__ import annotations

import multiprocessing
import os
import pathlib
import tempfile
import time
from collections.abc import Iterator
from multiprocessing import connection
from typing import Any

from tests.fuzz import outcomes, worker
from tests.fuzz import target as target_lib

SECONDS_PER_MUTANT = 20.0
# Other processes slow a mutant down, so the limit of the time that passes is higher.
_PASSING_PER_PROCESSOR_SECOND = 4
_SECONDS_BETWEEN_CHECKS = 1.0
_SECONDS_TO_START = 300.0  # for imports, the undamaged input and tracing
_SECONDS_TO_END = 30.0
_SPAWN = multiprocessing.get_context("spawn")


def run(
    target: target_lib.Target,
    first: int,
    number: int,
    seconds_per_mutant: float = SECONDS_PER_MUTANT,
) -> Iterator[outcomes.Outcome]:
    """Reads mutants of one target, and starts a new worker after each crash and hang.

    Args:
        target: What to fuzz.
        first: Number of the first mutant.
        number: Number of mutants.
        seconds_per_mutant: Time limit of a mutant, in seconds of the processor. Four times as many
            seconds may pass.

    Yields:
        The outcome of each mutant, in order.

    Raises:
        RuntimeError: If a worker fails outside of a mutant, such as at the undamaged input.
    """
    end = first + number
    while first < end:
        for outcome in _run_worker(target, range(first, end), seconds_per_mutant):
            yield outcome
            first = outcome.number + 1


def _run_worker(
    target: target_lib.Target, numbers: range, seconds: float
) -> Iterator[outcomes.Outcome]:
    """Yields outcomes until all mutants are read, or one of them ended the worker."""
    receiver, sender = _SPAWN.Pipe(duplex=False)
    with tempfile.TemporaryDirectory(prefix="ibc_agents_fuzz_") as scratch, receiver:
        folder = pathlib.Path(scratch)
        process = _SPAWN.Process(target=worker.run, args=(sender, folder, target, numbers))
        process.start()
        sender.close()
        try:
            for number in numbers:
                try:
                    damage = _receive(receiver, _SECONDS_TO_START)
                except (EOFError, TimeoutError) as error:
                    raise RuntimeError(
                        f"the worker of {target.name} failed before mutant {number}:\n"
                        f"{_end_of_output(folder)}"
                    ) from error
                try:
                    yield _receive_outcome(receiver, process, seconds)
                except EOFError:
                    process.join(_SECONDS_TO_END)
                    message = f"exit code {process.exitcode}\n{_end_of_output(folder)}"
                    yield outcomes.Outcome(target.name, number, outcomes.CRASH, damage, message)
                    return
                except TimeoutError:
                    message = f"no outcome after {seconds} s"
                    yield outcomes.Outcome(target.name, number, outcomes.HANG, damage, message)
                    return
        finally:
            process.kill()
            process.join()


def _receive(receiver: connection.Connection, seconds: float) -> Any:
    """Returns what the worker sends next.

    Raises:
        TimeoutError: If it sends nothing within `seconds`.
        EOFError: If it has ended.
    """
    if not receiver.poll(seconds):
        raise TimeoutError
    try:
        return receiver.recv()
    except ConnectionError as error:
        raise EOFError from error


def _receive_outcome(
    receiver: connection.Connection, process: multiprocessing.process.BaseProcess, seconds: float
) -> Any:
    """Returns the outcome of a mutant.

    Raises:
        TimeoutError: If the worker has used too much time.
        EOFError: If it has ended.
    """
    started, computed = time.monotonic(), _processor_seconds(process)
    while True:
        try:
            return _receive(receiver, _SECONDS_BETWEEN_CHECKS)
        except TimeoutError:
            passed = time.monotonic() - started
            used = _processor_seconds(process) - computed
            if used > seconds or passed > _PASSING_PER_PROCESSOR_SECOND * seconds:
                raise


def _processor_seconds(process: multiprocessing.process.BaseProcess) -> float:
    """Returns the processor time of a process so far, or 0 if it has ended."""
    try:
        fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _end_of_output(folder: pathlib.Path) -> str:
    return (folder / worker.OUTPUT).read_text(errors="replace")[-2_000:]
