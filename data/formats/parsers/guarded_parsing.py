"""Parses foreign files in a child process, which a damaged file may crash.

The libraries behind HDF5, Minari and TensorFlow Datasets read damaged files with any kind of
exception, with allocations of any size, with crashes in C and with endless loops. A child process
turns all of these into one sentence.
"""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import os
import re
import resource
import signal
import traceback
from collections.abc import Iterator
from multiprocessing import connection
from typing import Any

from data.errors import DataError
from data.formats import library_errors
from ibc_agents.core import errors, files

# What a parser may use: a constant, and more for each byte of the source.
_MEMORY_BYTES = 4 * 2**30
_MEMORY_PER_BYTE = 8
_PROCESSOR_SECONDS = 2.0  # for each item
_PROCESSOR_SECONDS_PER_BYTE = 1 / 2**20
_URL_BYTES = 2**30  # assumed size of a source in an object store
# The server that forks the children is started without TensorFlow's threads and memory.
_CONTEXT = multiprocessing.get_context("forkserver")

# What the child sends: items, and then how it ended.
_ITEM, _END, _MISSING, _SENTENCE, _FAILURE = "item", "end", "missing", "sentence", "failure"


# What TensorFlow adds to messages: "{{function_node …}} the message [Op:IteratorGetNext] name:".
_DECORATIONS = re.compile(r"\{\{[^}]*\}\}|\[Op:\w+\] name:\s*$")


class ParserError(Exception):
    """The traceback of a parser in its child process."""


def parse(parser: str, source: str, kind: str, *options: Any) -> Iterator[Any]:
    """Yields what a parser yields in a child process.

    Args:
        parser: Module that only the child imports, by its name. Its generator function `parse`
            takes the absolute path of the source and `options`, and yields values that pickle
            stores.
        source: The file or folder, or a URL.
        kind: What it should be, such as "a local Minari dataset".
        *options: Further arguments of the parser.

    Raises:
        DataError: If the source does not exist, contains something else than files and folders, or
            the parser raises an error, crashes, needs too much memory or does not end, or its
            library is missing.
    """
    if files.is_url(source):
        path, size = source, _URL_BYTES
    else:
        path = os.path.abspath(source)
        if not os.path.lexists(path):
            raise DataError(f"{source}: no such file or folder; name {kind}.")
        try:
            size = _size(path)
        except OSError as error:
            reason = f"{error.filename}: {error.strerror}"
            raise DataError(f"{source}: cannot be read as {kind} ({reason}).") from error
    receiver, sender = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=_serve, args=(sender, parser, path, options, size))
    process.start()
    sender.close()
    try:
        while True:
            try:
                message, content = receiver.recv()
            except EOFError as error:
                process.join()
                reason = f"the library that parses it {_exit_reason(process.exitcode or 0)}"
                raise DataError(f"{source}: cannot be read as {kind} ({reason}).") from error
            if message == _END:
                return
            if message == _MISSING:
                raise DataError(content)
            if message == _SENTENCE:
                raise DataError(f"{source}: {content}")
            if message == _FAILURE:
                reason, details = content
                raise DataError(f"{source}: cannot be read as {kind} ({reason}).") from ParserError(
                    details
                )
            yield content
    finally:
        receiver.close()
        process.kill()
        process.join()


def _size(path: str) -> int:
    """Returns the bytes of a file, or of all files under a folder.

    Raises:
        OSError: If one of them is neither a file nor a folder, such as a pipe, which would block.
    """
    paths = [path]
    if os.path.isdir(path):
        paths = [os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names]
    total = 0
    for name in paths:
        with files.open_file(name) as file:
            total += os.fstat(file.fileno()).st_size
    return total


def _exit_reason(code: int) -> str:
    if code == -signal.SIGPROF:
        return "did not end in the time that a file of this size may need"
    return f"ended with {signal.Signals(-code).name if code < 0 else f'exit code {code}'}"


def _serve(
    sender: connection.Connection,
    parser: str,
    path: str,
    options: tuple[Any, ...],
    size: int,
) -> None:
    """Sends what the parser yields, and then how it ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the parent, which ends the child.
    _silence_output()
    memory = _MEMORY_BYTES + _MEMORY_PER_BYTE * size
    with contextlib.suppress(BrokenPipeError):  # The parent has ended.
        try:
            with library_errors.report_missing_library():
                module = importlib.import_module(parser)
        except DataError as error:
            sender.send((_MISSING, str(error)))
            return
        try:
            _limit_memory(memory)
            _limit_time(size)
            for item in module.parse(path, *options):
                sender.send((_ITEM, item))
                _limit_time(size)
            sender.send((_END, None))
        except BrokenPipeError:
            raise
        except errors.UserError as error:
            sender.send((_SENTENCE, str(error)))
        except MemoryError:
            reason = f"it needs more than the {memory >> 20} MiB that a file of this size may need"
            sender.send((_FAILURE, (reason, traceback.format_exc())))
        # This is the boundary around third-party parsers of damaged files: any error says that the
        # file cannot be read. The traceback is the cause of the error that the parent raises.
        except Exception as error:
            sender.send((_FAILURE, (_describe(error), traceback.format_exc())))


def _describe(error: Exception) -> str:
    words = _DECORATIONS.sub("", str(error)).split()
    return " ".join(words) if len(words) > 1 else f"{type(error).__name__}: {error}"


def _silence_output() -> None:
    """Discards what libraries print, also in C, because the parent prints one sentence."""
    descriptor = os.open(os.devnull, os.O_WRONLY)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)


def _limit_memory(size: int) -> None:
    """Limits the memory that this process may allocate beyond what it has."""
    with open("/proc/self/statm", encoding="ascii") as file:
        data_pages = int(file.read().split()[5])
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = data_pages * resource.getpagesize() + size
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def _limit_time(size: int) -> None:
    """Ends this process by SIGPROF once it has used the processor too long, from now on."""
    signal.setitimer(signal.ITIMER_PROF, _PROCESSOR_SECONDS + _PROCESSOR_SECONDS_PER_BYTE * size)
