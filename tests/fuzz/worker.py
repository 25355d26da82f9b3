"""The process in which mutants are read. It may crash, hang, or be killed."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import pathlib
import resource
import shutil
import sys
import traceback
import zlib
from collections.abc import Iterable, Iterator
from multiprocessing import connection

import numpy as np

from ibc_agents.core import errors
from tests.fuzz import outcomes
from tests.fuzz import target as target_lib

MEMORY_BYTES = 6 * 2**30  # that reading a mutant may add
OUTPUT = "output"  # file name
_MAX_MESSAGE = 3_000  # characters


def run(
    pipe: connection.Connection,
    folder: pathlib.Path,
    target: target_lib.Target,
    numbers: Iterable[int],
) -> None:
    """Reads mutants of one target. Sends the damage of each before it is read, then its outcome.

    Args:
        pipe: Receives a str and then an `Outcome` for each mutant.
        folder: Scratch folder, which gets the output of the process as `OUTPUT`.
        target: What to fuzz.
        numbers: Numbers of the mutants.
    """
    _redirect_output(folder / OUTPUT)
    faulthandler.enable()
    undamaged, mutant = folder / "undamaged", folder / "mutant"
    undamaged.mkdir()
    target.prepare(undamaged)
    _copy(undamaged, mutant)
    target.read(mutant)  # Also loads and compiles what all mutants need.
    with _memory_limit():
        for number in numbers:
            _copy(undamaged, mutant)
            damage = target.damage(mutant, generator(target, number))
            pipe.send(damage)
            kind, message = _read(target, mutant)
            pipe.send(outcomes.Outcome(target.name, number, kind, damage, message[-_MAX_MESSAGE:]))
    pipe.close()


def generator(target: target_lib.Target, number: int) -> np.random.Generator:
    """Returns the generator that determines a mutant."""
    return np.random.default_rng([zlib.crc32(target.name.encode()), number])


def _read(target: target_lib.Target, mutant: pathlib.Path) -> tuple[str, str]:
    """Returns the kind of the outcome and its message."""
    try:
        target.read(mutant)
    except errors.UserError as error:
        return outcomes.SENTENCE, str(error)
    except target_lib.Wrong as error:
        return outcomes.WRONG, str(error)
    except MemoryError:
        return outcomes.MEMORY, traceback.format_exc()
    except (Exception, SystemExit, KeyboardInterrupt):
        return outcomes.TRACEBACK, traceback.format_exc()
    return outcomes.ACCEPTED, ""


def _copy(source: pathlib.Path, copy: pathlib.Path) -> None:
    if copy.exists():
        shutil.rmtree(copy)
    shutil.copytree(source, copy, symlinks=True)


def _redirect_output(path: pathlib.Path) -> None:
    """Redirects the output of this process, also that of libraries in C, to a file."""
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(descriptor, stream.fileno())
    os.close(descriptor)


@contextlib.contextmanager
def _memory_limit() -> Iterator[None]:
    """Limits the address space to its present size and `MEMORY_BYTES` more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY_BYTES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
