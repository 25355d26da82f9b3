"""Describes the machine, and measures which of two implementations is faster on it."""

from __future__ import annotations

import concurrent.futures
import contextlib
import hashlib
import json
import os
import pathlib
import platform
import tempfile
import time
from collections.abc import Callable
from typing import Any

import tensorflow as tf

_REPETITIONS = 4
# TensorFlow reads its threads per operation and its concurrent operations from these.
_THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
# The file or its folder is missing (RuntimeError: the user has no home), or it is not ours.
_NOT_KEPT = (OSError, RuntimeError, ValueError, KeyError, TypeError)

_speedups: dict[str, float] = {}


def describe() -> dict[str, Any]:
    """Returns system, processor and number of usable cores, as JSON types."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": num_cores(),
    }


def num_cores() -> int:
    """Returns the number of cores that this process may use."""
    return len(os.sched_getaffinity(0))


def speedup(name: str, plain: Callable[[], Any], fast: Callable[[], Any]) -> float:
    """Returns how many times faster `fast` is than `plain` on this machine.

    The speedup is measured, since a processor's instruction set and cache sizes do not predict it.
    It is measured once for each machine, version of TensorFlow and number of threads, so that all
    processes of a run and a resumed run make the same choice. It is stored in
    ``$XDG_CACHE_HOME/ibc_agents`` (``~/.cache/ibc_agents``), and may be deleted. If no file can be
    written, it is measured once in each process.

    Args:
        name: Name of the measurement, for the file.
        plain: Does some work; the work is finished when it returns.
        fast: Does the same work by the other implementation.
    """
    if name not in _speedups:
        _speedups[name] = _known_speedup(name, plain, fast)
    return _speedups[name]


def speedups() -> dict[str, float]:
    """Returns the speedups that this process has used, by name."""
    return dict(_speedups)


def forget_speedups() -> None:
    """Makes this process read or measure every speedup again."""
    _speedups.clear()


def _known_speedup(name: str, plain: Callable[[], Any], fast: Callable[[], Any]) -> float:
    with contextlib.suppress(*_NOT_KEPT):
        return _kept(_path(name))
    # In a separate thread, because the caller may be tracing a graph or recording a tape.
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        measured = thread.submit(_measure, plain, fast).result()
    with contextlib.suppress(*_NOT_KEPT):
        return _keep(_path(name), measured)
    return measured


def _measure(plain: Callable[[], Any], fast: Callable[[], Any]) -> float:
    shortest = {plain: float("inf"), fast: float("inf")}
    for work in shortest:
        work()  # traces
    for _ in range(_REPETITIONS):
        for work in shortest:
            started = time.perf_counter()
            work()
            shortest[work] = min(shortest[work], time.perf_counter() - started)
    return shortest[plain] / shortest[fast]


def _keep(path: pathlib.Path, measured: float) -> float:
    """Writes the speedup unless another process has done so; returns the stored one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"speedup": measured, **describe(), "tensorflow": tf.__version__}
    with tempfile.NamedTemporaryFile("w", dir=path.parent) as file:
        json.dump(content, file)
        file.flush()
        with contextlib.suppress(FileExistsError):
            os.link(file.name, path)
    return _kept(path)


def _kept(path: pathlib.Path) -> float:
    return float(json.loads(path.read_text())["speedup"])


def _path(name: str) -> pathlib.Path:
    caches = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    threads = [os.environ.get(name) for name in _THREADS]
    described = json.dumps([describe(), tf.__version__, threads])
    fingerprint = hashlib.sha256(described.encode()).hexdigest()[:16]
    return pathlib.Path(caches) / "ibc_agents" / f"{name}_{fingerprint}.json"


def _processor() -> str:
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
