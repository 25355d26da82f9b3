"""Rates of calls, and the matmul rate of the machine for comparison.

Importing this module makes the project importable from a checkout and silences the libraries.
"""

from __future__ import annotations

import contextlib
import multiprocessing.connection
import os
import pathlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from unittest import mock

if TYPE_CHECKING:
    from ibc_agents.runs.experiment import Experiment

sys.path.insert(0, os.fspath(pathlib.Path(__file__).resolve().parent.parent))

from ibc_agents.cli import startup_logs  # noqa: E402

startup_logs.silence_startup_logs()

_MATRIX_SIZE = 2048
_MIN_TURNS = 3


def rate(function: Callable[[], Any], amount: float, seconds: float) -> dict[str, float]:
    """Returns the rate of a function per second and per CPU-second of this process.

    The first call is a warm-up and is not measured.

    Args:
        function: Function to measure.
        amount: Units of work per call.
        seconds: Minimum duration of the measurement.
    """
    function()
    calls, wall, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - wall < seconds:
        function()
        calls += 1
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"per_second": calls * amount / wall, "per_cpu_second": calls * amount / cpu}


def alternating_rates(
    workloads: dict[str, tuple[Callable[[], tuple[float, float]], float]], seconds: float
) -> dict[str, dict[str, float]]:
    """Returns the rate of each workload, as `rate`, with alternating calls.

    Alternating calls expose all workloads to the same load of the machine.

    Args:
        workloads: Maps names to pairs: a function that runs the workload and returns its wall time
            and CPU time in seconds, and the units of work per call.
        seconds: Minimum duration per workload on average. Each has at least three calls.

    Returns:
        Maps the names to the rates of the median call and the number of calls.
    """
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in workloads}
    for timed_call, _ in workloads.values():
        timed_call()  # warm-up
    start, turns = time.perf_counter(), 0
    while turns < _MIN_TURNS or time.perf_counter() - start < seconds * len(workloads):
        for name, (timed_call, _) in workloads.items():
            times[name].append(timed_call())
        turns += 1
    return {
        name: {
            "per_second": amount / statistics.median(wall for wall, _ in times[name]),
            "per_cpu_second": amount / statistics.median(cpu for _, cpu in times[name]),
            "calls": turns,
        }
        for name, (_, amount) in workloads.items()
    }


class WorkloadProcess:
    """Runs workloads in a separate process with its own environment variables."""

    def __init__(
        self,
        prepare: Callable[[str], tuple[Callable[[], Any], float]],
        environment: Mapping[str, str],
    ):
        """Starts the process, which exits with this one.

        Args:
            prepare: Maps the name of a workload to the function that runs it and the units of work
                per call.
            environment: Environment variables in addition to those of this process.
        """
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        with mock.patch.dict(os.environ, environment):
            context.Process(target=_serve, args=(prepare, theirs), daemon=True).start()
        theirs.close()

    def prepare(self, name: str) -> tuple[Callable[[], tuple[float, float]], float]:
        """Prepares a workload; returns a function that times it, and the units of work per call."""
        return lambda: self._ask(None), self._ask(name)

    def _ask(self, name: str | None) -> Any:
        self._pipe.send(name)
        try:
            return self._pipe.recv()
        except EOFError:
            raise SystemExit("the process of the workload exited; see the output above") from None


def _serve(prepare: Callable[[str], Any], pipe: multiprocessing.connection.Connection) -> None:
    """Prepares the named workload; for each None runs the last prepared one."""
    call: Callable[[], Any] | None = None
    while True:
        try:
            name = pipe.recv()
        except EOFError:
            return
        if name is None and call is not None:
            wall, cpu = time.perf_counter(), time.process_time()
            call()
            pipe.send((time.perf_counter() - wall, time.process_time() - cpu))
        else:
            call, amount = prepare(name)
            pipe.send(amount)


def matmul_flops(seconds: float) -> dict[str, float]:
    """Returns the rate of float32 matrix products in FLOP.

    There are as many products as cores, which uses all cores even with one thread per operation.
    """
    import tensorflow as tf

    from ibc_agents.acceleration import machine

    matrices = [tf.random.normal([_MATRIX_SIZE, _MATRIX_SIZE]) for _ in range(machine.num_cores())]
    multiply = tf.function(lambda: [tf.matmul(matrix, matrix)[0] for matrix in matrices])
    return rate(
        lambda: [row.numpy() for row in multiply()], len(matrices) * 2.0 * _MATRIX_SIZE**3, seconds
    )


@contextlib.contextmanager
def experiment(gin_file: str) -> Iterator[Experiment]:
    """Yields the experiment of a gin file with 40 demonstrations, in a temporary folder."""
    import gin

    from ibc_agents.cli import gin_files
    from ibc_agents.runs import experiment

    gin.clear_config()
    gin_files.parse_gin([gin_file], ["DemonstrationSettings.num_episodes = 40"])
    with tempfile.TemporaryDirectory() as folder:
        yield experiment.Experiment.from_gin(f"{folder}/run", f"{folder}/data")


def machine() -> dict[str, Any]:
    """Returns versions, git revision and machine as JSON types."""
    from ibc_agents.runs import provenance

    return provenance.describe()
