"""Tasks in worker processes, which have the parent's gin configuration and end with the parent."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import io
import multiprocessing
import os
import pickle
import signal
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from multiprocessing import connection as connection_lib
from multiprocessing import resource_tracker
from typing import Any, Protocol

import gin

from ibc_agents.core import errors

# Workers leave the accelerator and the other cores to the parent and to each other.
_ENVIRONMENT = {
    "CUDA_VISIBLE_DEVICES": "-1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}
_SECONDS_TO_END = 10.0
_WHAT_NOW = "What is finished is kept: the same command goes on from there."

Report = Callable[[], Any]


class Job(Protocol):
    """What is done with a task; every process has its own."""

    def __call__(self, task: Any, report: Report) -> Any:
        """Returns the task's result; calls `report` now and then."""

    def close(self) -> None:
        """Frees what it holds."""


def run(
    job: Job, tasks: Sequence[Any], num_processes: int, report: Report
) -> Generator[Any, None, None]:
    """Yields `job(task, report)` of every task, in the order in which they end.

    Processes are spawned, not forked: TensorFlow's threads do not survive a fork. A worker whose
    parent has gone, for whatever reason, ends when it next reports or asks for a task.

    Args:
        job: can be pickled, as can its results; closed by each worker.
        tasks: `str(task)` names one in errors.
        num_processes: at least 1.
        report: called whenever a job calls its own `report`.

    Raises:
        RunError: in one sentence, if a worker fails or is ended, or the job cannot be pickled.
        data.DataError: that a job raised.
    """
    try:
        package = pickle.dumps(job)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise errors.RunError(
            f"Other processes cannot be told what to do ({error}). Name a class or a function of a "
            "module, with no gin scope, or use one process."
        ) from error
    waiting = collections.deque(tasks)
    workers: dict[Any, _Worker] = {}
    try:
        while waiting and len(workers) < num_processes:
            worker = _Worker(package)
            workers[worker.connection] = worker
            worker.begin(waiting.popleft())
        while workers:
            for ready in connection_lib.wait(list(workers)):
                worker = workers[ready]
                message = worker.receive()
                if isinstance(message, _Reported):
                    report()
                    continue
                if waiting:
                    worker.begin(waiting.popleft())
                else:
                    workers.pop(ready).end()
                yield message.result
    finally:
        for worker in workers.values():
            worker.kill()


class _Worker:
    """A worker process, as its parent sees it."""

    def __init__(self, package: bytes) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._task: Any = None
        self._process = context.Process(
            target=_serve, args=(theirs, package, gin.config_str()), daemon=True
        )
        with _interrupts_blocked():
            self._process.start()
        theirs.close()

    def begin(self, task: Any) -> None:
        self._task = task
        with contextlib.suppress(BrokenPipeError):  # `receive` says why it has gone.
            self.connection.send(task)

    def receive(self) -> _Reported | _Finished:
        try:
            message = self.connection.recv()
        except (EOFError, ConnectionResetError) as error:
            raise errors.RunError(
                f"A worker process {self._how_it_ended()} at {self._task}. {_WHAT_NOW}"
            ) from error
        if isinstance(message, _Failed):
            cause = RuntimeError(f"in a worker process:\n{message.traceback}")
            if message.mendable is not None:
                raise message.mendable from cause
            raise errors.RunError(
                f"A worker process failed at {self._task}: {message.sentence} {_WHAT_NOW}"
            ) from cause
        return message

    def end(self) -> None:
        """Lets it close what it has open."""
        with contextlib.suppress(BrokenPipeError):
            self.connection.send(None)
        self._process.join(_SECONDS_TO_END)
        self.kill()

    def kill(self) -> None:
        self._process.kill()
        self._process.join()
        self.connection.close()

    def _how_it_ended(self) -> str:
        self._process.join(_SECONDS_TO_END)
        code = self._process.exitcode
        if code is not None and code < 0:
            name = signal.Signals(-code).name
            return f"was ended by {name}" + " (out of memory?)" * (name == "SIGKILL")
        return (
            f"ended with exit code {code} (does the script that uses several processes have "
            'its `if __name__ == "__main__":`?)'
        )


@dataclasses.dataclass(frozen=True)
class _Reported:
    """The job has called `report`."""


@dataclasses.dataclass(frozen=True)
class _Finished:
    result: Any


@dataclasses.dataclass(frozen=True)
class _Failed:
    """What the job raised; `mendable` is an error that is a sentence for the user already."""

    sentence: str
    mendable: Exception | None
    traceback: str


class _ParentGone(BaseException):
    """Not an error of the job, and nothing that it should catch."""


class _Parent:
    """The parent, as a worker process sees it."""

    def __init__(self, connection: connection_lib.Connection) -> None:
        self._connection = connection

    def next_task(self) -> Any:
        try:
            return self._connection.recv()
        except (EOFError, ConnectionError) as error:
            raise _ParentGone from error

    def tell(self, message: _Reported | _Finished | _Failed) -> None:
        try:
            self._connection.send(message)
        except ConnectionError as error:
            raise _ParentGone from error


def _serve(connection: connection_lib.Connection, package: bytes, configuration: str) -> None:
    """What a worker process does: task after task, until there is None or no parent."""
    os.environ.update(_ENVIRONMENT)
    parent = _Parent(connection)
    with contextlib.suppress(_ParentGone):
        try:
            # What libraries say when they are imported, they have said in the parent.
            with contextlib.redirect_stderr(io.StringIO()):
                job = pickle.loads(package)
                # Names that this process has not imported are not needed; the parent knew them.
                gin.parse_config(configuration, skip_unknown=True)
            with contextlib.closing(job):
                while (task := parent.next_task()) is not None:
                    parent.tell(_Finished(job(task, lambda: parent.tell(_Reported()))))
        except Exception as error:
            known = isinstance(error, errors.UserError)
            sentence = f"{type(error).__name__}: {' '.join(str(error).split()).rstrip('.')}."
            parent.tell(_Failed(sentence, error if known else None, traceback.format_exc()))


@contextlib.contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Ctrl-C is the parent's to hear: a process that is started here does not."""
    resource_tracker.ensure_running()  # It would unblock them at the first start of a process.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
