"""The machine at hand: what it is, and which of two ways it is faster at."""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
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
# By which TensorFlow is told how many threads an operation has, and how many run at once.
_THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
# No such file, or no folder to keep it in (RuntimeError: a user without a home), or not ours.
_NOT_KEPT = (OSError, RuntimeError, ValueError, KeyError, TypeError)


def describe() -> dict[str, Any]:
    """Returns system, processor and number of cores this process may use, of JSON types."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": num_cores(),
    }


def num_cores() -> int:
    """Returns how many cores this process may use."""
    return len(os.sched_getaffinity(0))


@functools.cache
def speedup(name: str, plain: Callable[[], Any], fast: Callable[[], Any]) -> float:
    """Returns how many times faster `fast` is than `plain` here.

    Measured, for processors list instructions that may be slow or not reach the program, and tell
    nothing of their caches' bandwidth. Measured once a machine, version of TensorFlow and number of
    threads that it is told to use, so that all processes of a run choose alike, and a resumed run
    as it began: the number is kept in ``$XDG_CACHE_HOME/ibc_agents`` (``~/.cache/ibc_agents``),
    where it may be deleted. Where nothing can be written it is measured once a process.

    Args:
        name: of the choice and of what is measured for it, for the file.
        plain: does some work; what it returns is finished when it returns.
        fast: does the same in another way.
    """
    with contextlib.suppress(*_NOT_KEPT):
        return _kept(_path(name))
    # In a thread of its own, for whoever asks may be in the middle of a graph or of a tape.
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
    """Writes the number, unless another process was first; returns the one that is kept."""
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
