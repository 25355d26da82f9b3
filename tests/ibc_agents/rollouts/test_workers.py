"""Worker processes run all tasks with the gin configuration, and their failures are reported."""

import multiprocessing
import os
import signal
import sys
import time

import gin
import pytest

from data import errors as data_errors
from ibc_agents.core import errors
from ibc_agents.rollouts import workers


@gin.configurable
class Multiply:
    """A job whose factor gin configures."""

    def __init__(self, factor=1):
        self._factor = factor

    def __call__(self, task, report):
        report()
        return task, task * self._factor

    def close(self):
        pass


class Later(Multiply):
    """A job that makes another in the worker, as collectors make environments."""

    def __init__(self, log):
        self._log = log

    def __call__(self, task, report):
        return Multiply()(task, report)

    def close(self):
        with open(self._log, "a") as log:
            log.write("closed\n")


class Fails(Multiply):
    """A job that fails as its task says."""

    def __call__(self, task, report):
        report()
        if task == "raise":
            raise KeyError("no such block")
        if task == "full disk":
            raise data_errors.DataError("the disk is full")
        if task == "refuse":
            raise ConnectionRefusedError("no robot")
        if task == "exit":
            sys.exit(3)
        if task == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        while True:
            time.sleep(0.01)


def run(job, tasks, num_processes=2):
    reports = []
    results = list(workers.run(job, tasks, num_processes, lambda: reports.append(None)))
    return results, len(reports)


def test_every_task_is_done_once_with_the_configuration_of_gin(tmp_path):
    gin.parse_config("Multiply.factor = 3\nimport json")
    results, reports = run(Later(tmp_path / "log"), range(5))
    assert sorted(results) == [(n, 3 * n) for n in range(5)]
    assert reports == 5
    assert (tmp_path / "log").read_text() == "closed\n" * 2


def test_no_more_processes_than_tasks(tmp_path):
    results, _ = run(Later(tmp_path / "log"), [7], num_processes=3)
    assert results == [(7, 7)]
    assert (tmp_path / "log").read_text() == "closed\n"


@pytest.mark.parametrize(
    ("task", "kind", "message"),
    [
        (
            "raise",
            errors.RunError,
            r"failed at raise: KeyError: 'no such block'\. Finished work is kept",
        ),
        ("refuse", errors.RunError, "failed at refuse: ConnectionRefusedError: no robot"),
        ("full disk", data_errors.DataError, "^the disk is full$"),
        (
            "exit",
            errors.RunError,
            "worker process ended with exit code 3 .* at exit. Finished work",
        ),
        (
            "die",
            errors.RunError,
            "worker process was ended by SIGKILL .* at die. Finished work is kept",
        ),
    ],
)
def test_a_worker_that_fails_ends_all_with_its_message(task, kind, message):
    with pytest.raises(kind, match=message):
        run(Fails(), ["wait", task])
    assert not multiprocessing.active_children()


def test_the_traceback_of_the_worker_is_the_cause():
    with pytest.raises(errors.RunError) as caught:
        run(Fails(), ["raise"], num_processes=1)
    assert "no such block" in str(caught.value.__cause__)
    assert "test_workers.py" in str(caught.value.__cause__)


def test_a_job_that_cannot_be_pickled_is_rejected():
    with pytest.raises(
        errors.RunError, match="cannot be sent to worker processes .*<lambda>.* one process"
    ):
        run(lambda task, report: None, [1, 2])
