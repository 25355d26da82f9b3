"""What the benchmarks share: rates, and the machine's own speed beside them.

Importing it makes the project importable from a checkout and quietens the libraries.
"""

from __future__ import annotations

import os
import pathlib
import sys
import time
from collections.abc import Callable
from typing import Any

sys.path.insert(0, os.fspath(pathlib.Path(__file__).resolve().parent.parent))

from ibc_agents import quiet  # noqa: E402

quiet.quieten()

_MATMUL = 2048


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


def matmul_flops(seconds: float) -> dict[str, float]:
    """Returns the rate of float32 products, in floating-point operations."""
    import tensorflow as tf

    matrix = tf.random.normal([_MATMUL, _MATMUL])
    return rate(lambda: tf.matmul(matrix, matrix).numpy(), 2.0 * _MATMUL**3, seconds)


def machine() -> dict[str, Any]:
    """Returns versions, git revision and machine, of JSON types."""
    from ibc_agents import provenance

    return provenance.describe()
