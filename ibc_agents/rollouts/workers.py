"""Runs tasks in worker processes, which have the gin configuration of their parent."""

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

# A worker uses one core and no accelerator, which it would share with its parent and the others.
_ENVIRONMENT_VARIABLES = {
    "CUDA_VISIBLE_DEVICES": "-1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}
_EXIT_TIMEOUT_SECONDS = 10.0
_HOW_TO_RESUME = "Finished work is kept; run the same command again to continue."

Report = Callable[[], Any]


class Job(Protocol):
    """Work that is done once for each task. Every worker process has its own copy."""

    def __call__(self, task: Any, report: Report) -> Any:
        """Returns the result of a task. Calls `report` to report progress."""

    def close(self) -> None:
        """Frees the resources of the job."""


def run(
    job: Job, tasks: Sequence[Any], num_processes: int, report: Report
) -> Generator[Any, None, None]:
    """Yields `job(task, report)` of every task, in the order in which the tasks end.

    Processes are spawned, because TensorFlow's threads do not survive a fork. A worker whose parent
    has ended exits when it next reports or asks for a task.

    Args:
        job: A job that can be pickled, as can its results. Each worker closes its copy.
        tasks: The tasks. Error messages name one by `str(task)`.
        num_processes: Largest number of worker processes, at least 1.
        report: Called whenever a worker's job reports progress.

    Raises:
        RunError: If a worker fails or is killed, or if the job cannot be pickled.
        UserError: Any user error that the job raises.
    """
    try:
        pickled_job = pickle.dumps(job)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise errors.RunError(
            f"The job cannot be sent to worker processes ({error}). Use a class or function of a "
            "module, with no gin scope, or use one process."
        ) from error
    waiting = collections.deque(tasks)
    workers: dict[Any, _Worker] = {}
    try:
        while waiting and len(workers) < num_processes:
            worker = _Worker(pickled_job)
            workers[worker.connection] = worker
            worker.begin(waiting.popleft())
        while workers:
            for ready in connection_lib.wait(list(workers)):
                worker = workers[ready]
                message = worker.receive()
                if isinstance(message, _Progress):
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
    """The parent's end of a worker process."""

    def __init__(self, pickled_job: bytes) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, worker_connection = context.Pipe()
        self._task: Any = None
        self._process = context.Process(
            target=_serve, args=(worker_connection, pickled_job, gin.config_str()), daemon=True
        )
        with _interrupts_blocked():
            self._process.start()
        worker_connection.close()

    def begin(self, task: Any) -> None:
        """Sends a task."""
        self._task = task
        with contextlib.suppress(BrokenPipeError):  # `receive` raises the worker's error.
            self.connection.send(task)

    def receive(self) -> _Progress | _Result:
        """Returns the next message, and raises the error that ended the worker."""
        try:
            message = self.connection.recv()
        except (EOFError, ConnectionResetError) as error:
            raise errors.RunError(
                f"A worker process {self._describe_exit()} at {self._task}. {_HOW_TO_RESUME}"
            ) from error
        if isinstance(message, _Failure):
            cause = RuntimeError(f"in a worker process:\n{message.traceback}")
            if message.user_error is not None:
                raise message.user_error from cause
            raise errors.RunError(
                f"A worker process failed at {self._task}: {message.summary} {_HOW_TO_RESUME}"
            ) from cause
        return message

    def end(self) -> None:
        """Waits until the worker has closed its job."""
        with contextlib.suppress(BrokenPipeError):
            self.connection.send(None)
        self._process.join(_EXIT_TIMEOUT_SECONDS)
        self.kill()

    def kill(self) -> None:
        """Kills the worker process."""
        self._process.kill()
        self._process.join()
        self.connection.close()

    def _describe_exit(self) -> str:
        self._process.join(_EXIT_TIMEOUT_SECONDS)
        code = self._process.exitcode
        if code is not None and code < 0:
            name = signal.Signals(-code).name
            return f"was ended by {name}" + " (out of memory?)" * (name == "SIGKILL")
        return (
            f"ended with exit code {code} (does the script that uses several processes have "
            'its `if __name__ == "__main__":`?)'
        )


@dataclasses.dataclass(frozen=True)
class _Progress:
    """The job has called `report`."""


@dataclasses.dataclass(frozen=True)
class _Result:
    """The job has returned."""

    result: Any


@dataclasses.dataclass(frozen=True)
class _Failure:
    """The job has raised an error; `user_error` is the error itself if the user can fix it."""

    summary: str
    user_error: errors.UserError | None
    traceback: str


class _ParentEnded(BaseException):
    """The parent process has ended. A `BaseException`, so that no job catches it."""


class _Parent:
    """The worker's end of its parent process."""

    def __init__(self, connection: connection_lib.Connection) -> None:
        self._connection = connection

    def next_task(self) -> Any:
        """Waits for a task. None means that there are no more."""
        try:
            return self._connection.recv()
        except (EOFError, ConnectionError) as error:
            raise _ParentEnded from error

    def send(self, message: _Progress | _Result | _Failure) -> None:
        """Sends a message."""
        try:
            self._connection.send(message)
        except ConnectionError as error:
            raise _ParentEnded from error


def _serve(connection: connection_lib.Connection, pickled_job: bytes, configuration: str) -> None:
    """Runs a worker process: one task after the other, until there are none or no parent."""
    os.environ.update(_ENVIRONMENT_VARIABLES)
    parent = _Parent(connection)
    with contextlib.suppress(_ParentEnded):
        try:
            # The parent has already printed the startup messages of libraries.
            with contextlib.redirect_stderr(io.StringIO()):
                job = pickle.loads(pickled_job)
                # The parent has checked all names. Unknown names are not needed by the job.
                gin.parse_config(configuration, skip_unknown=True)
            with contextlib.closing(job):
                while (task := parent.next_task()) is not None:
                    parent.send(_Result(job(task, lambda: parent.send(_Progress()))))
        except Exception as error:
            user_error = error if isinstance(error, errors.UserError) else None
            summary = f"{type(error).__name__}: {' '.join(str(error).split()).rstrip('.')}."
            parent.send(_Failure(summary, user_error, traceback.format_exc()))


@contextlib.contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Blocks SIGINT in the processes started here, so that Ctrl-C interrupts only the parent."""
    resource_tracker.ensure_running()  # The first start of a process would unblock SIGINT.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
