"""What the benchmarks share: rates, and the machine's own speed beside them.

Importing it makes the project importable from a checkout and silences the libraries.
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

_MATMUL = 2048
_MIN_TURNS = 3


def rate(work: Callable[[], Any], amount: float, seconds: float) -> dict[str, float]:
    """Returns the amount a second and a CPU-second of this process, after one call to warm up.

    Args:
        work: does `amount` of something a call.
        amount: what a call does.
        seconds: at least so long.
    """
    work()
    calls, wall, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - wall < seconds:
        work()
        calls += 1
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"per_second": calls * amount / wall, "per_cpu_second": calls * amount / cpu}


def rates_in_turns(
    works: dict[str, tuple[Callable[[], tuple[float, float]], float]], seconds: float
) -> dict[str, dict[str, float]]:
    """As `rate` of each, call by call in turns, so that what else runs falls upon all alike.

    Args:
        works: by their names, what does something and returns its seconds, of the wall's clock and
            of the processor, and how much of it a call.
        seconds: at least so long each, on average; at least three calls each.

    Returns:
        By the same names, rates of the median call, and how many calls there were.
    """
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
    for timed_call, _ in works.values():
        timed_call()  # warms up
    began, turns = time.perf_counter(), 0
    while turns < _MIN_TURNS or time.perf_counter() - began < seconds * len(works):
        for name, (timed_call, _) in works.items():
            taken[name].append(timed_call())
        turns += 1
    return {
        name: {
            "per_second": amount / statistics.median(wall for wall, _ in taken[name]),
            "per_cpu_second": amount / statistics.median(cpu for _, cpu in taken[name]),
            "calls": turns,
        }
        for name, (_, amount) in works.items()
    }


class Elsewhere:
    """Does works in a process of its own, which has environment variables of its own."""

    def __init__(
        self,
        prepare: Callable[[str], tuple[Callable[[], Any], float]],
        environment: Mapping[str, str],
    ):
        """Starts the process, which ends with this one.

        Args:
            prepare: maps the name of a work to what does it, and how much of it a call.
            environment: variables beside those of this process.
        """
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        with mock.patch.dict(os.environ, environment):
            context.Process(target=_serve, args=(prepare, theirs), daemon=True).start()
        theirs.close()

    def prepare(self, name: str) -> tuple[Callable[[], tuple[float, float]], float]:
        """Returns what does a work there and says how long it took, and how much of it a call."""
        return lambda: self._ask(None), self._ask(name)

    def _ask(self, name: str | None) -> Any:
        self._pipe.send(name)
        try:
            return self._pipe.recv()
        except EOFError:
            raise SystemExit("The process that should do this ended; see above.") from None


def _serve(prepare: Callable[[str], Any], pipe: multiprocessing.connection.Connection) -> None:
    """Prepares works by their names, and does the last one wherever there is none."""
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
    """Returns the rate of float32 products, in floating-point operations.

    There are as many products as cores, so that all are busy also with one thread an operation.
    """
    import tensorflow as tf

    from ibc_agents.acceleration import machine

    matrices = [tf.random.normal([_MATMUL, _MATMUL]) for _ in range(machine.num_cores())]
    multiply = tf.function(lambda: [tf.matmul(matrix, matrix)[0] for matrix in matrices])
    return rate(
        lambda: [row.numpy() for row in multiply()], len(matrices) * 2.0 * _MATMUL**3, seconds
    )


@contextlib.contextmanager
def experiment(gin_file: str) -> Iterator[Experiment]:
    """The experiment of a gin file, with forty demonstrations, in a folder that goes with it."""
    import gin

    from ibc_agents.cli import gin_files
    from ibc_agents.runs import experiment

    gin.clear_config()
    gin_files.parse_gin([gin_file], ["DemonstrationSettings.num_episodes = 40"])
    with tempfile.TemporaryDirectory() as folder:
        yield experiment.Experiment.from_gin(f"{folder}/run", f"{folder}/data")


def machine() -> dict[str, Any]:
    """Returns versions, git revision and machine, of JSON types."""
    from ibc_agents.runs import provenance

    return provenance.describe()
