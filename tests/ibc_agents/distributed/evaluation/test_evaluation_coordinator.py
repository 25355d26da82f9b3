"""Every submitted policy is evaluated; the evaluators of these tests are threads."""

import contextlib
import csv
import threading
import time
from typing import NamedTuple

import numpy as np
import pytest
import reverb

from ibc_agents.core import errors
from ibc_agents.distributed import job_directory
from ibc_agents.distributed.evaluation import evaluation_coordinator, evaluation_queue
from ibc_agents.distributed.messaging import (
    channels,
    evaluation_messages,
    policy_variables,
    server_connection,
    tables,
)
from ibc_agents.rollouts import evaluation
from ibc_agents.runs import settings
from tests.data.sources import listening
from tests.ibc_agents import helpers
from tests.ibc_agents.distributed import fake_process

SETTINGS = settings.EvaluationSettings(num_episodes=7, interval_episodes=5, batch_size=2, seed=3)
INTERVAL_SEED = 1_000_003
PATIENCE_SECONDS = 60.0


class FakeEvaluator:
    """Records what would go to TensorBoard."""

    def __init__(self):
        self.logged = []

    def log(self, result, step, suffix=""):
        self.logged.append((step, suffix, result.success_rate))


class EvaluatorThread(threading.Thread):
    """Evaluates policies whose weights are their step; even episodes succeed.

    It stops after some chunks.
    """

    def __init__(self, address, policy, name, num_chunks=10**6):
        super().__init__(daemon=True)
        self._address, self._policy, self._name = address, policy, name
        self._num_chunks = num_chunks
        self.finished_chunks = []
        self.stop = threading.Event()

    def run(self):
        channel = channels.Broadcast(self._address, tables.ASSIGNMENTS)
        queue = channels.MessageQueue(self._address, tables.REPORTS)
        report = evaluation_messages.Report(self._name)
        while not self.stop.is_set() and len(self.finished_chunks) < self._num_chunks:
            with contextlib.suppress(channels.ServerUnreachable):
                queue.send(report.to_message())
                if (
                    reverb.Client(self._address)
                    .server_info(timeout=2)[tables.ASSIGNMENTS]
                    .current_size
                ):
                    assignments = evaluation_messages.Assignments.from_message(channel.read())
                    report = self._evaluate(assignments, report)
            time.sleep(0.05)

    def _evaluate(self, assignments, report):
        step = assignments.step
        chunk = assignments.ranges.get(self._name)
        if chunk is None or (step, chunk) in self.finished_chunks:
            return report
        assert policy_variables.pull(self._address, self._policy, assignments.learner) == step
        assert float(self._policy.variables()[-1].numpy().flat[0]) == step
        self.finished_chunks.append((step, chunk))
        outcomes = tuple(evaluation.Outcome(k, k % 2 == 0, 0.0, 1) for k in range(*chunk))
        return evaluation_messages.Report(
            self._name, assignments.learner, step, assignments.seed, outcomes
        )


class Job(NamedTuple):
    coordinator: evaluation_coordinator.EvaluationCoordinator
    evaluator: FakeEvaluator
    address: str
    process: fake_process.FakeProcess


@pytest.fixture
def policy():
    return helpers.make_mse_agent().policy


@pytest.fixture
def job(tmp_path, policy):
    """A coordinator, its evaluator and the address of the server."""
    port = listening.free_port()
    address = f"localhost:{port}"
    server = reverb.Server(tables.create_tables(policy), port=port)
    evaluator, process = FakeEvaluator(), fake_process.FakeProcess()
    connection = server_connection.ServerConnection(address, process, PATIENCE_SECONDS)
    with contextlib.closing(connection):
        directory = job_directory.JobDirectory(tmp_path)
        coordinator = evaluation_coordinator.EvaluationCoordinator(
            directory, evaluator, SETTINGS, connection, process
        )
        with contextlib.closing(coordinator):
            yield Job(coordinator, evaluator, address, process)
    server.stop()


def values(policy, step):
    return [np.full(v.shape, step, v.dtype.as_numpy_dtype) for v in policy.variables()]


def rows(tmp_path):
    with open(tmp_path / "evaluations.csv", newline="") as file:
        return [
            tuple(int(row[name]) for name in ("step", "seed", "episodes", "successes"))
            for row in csv.DictReader(file)
        ]


def test_every_policy_gets_its_row_though_an_evaluator_dies(job, policy, tmp_path, monkeypatch):
    monkeypatch.setattr(evaluation_coordinator, "_ABSENT_AFTER_SECONDS", 1.0)
    coordinator, evaluator, address, _ = job
    coordinator.submit(100, values(policy, 100))
    coordinator.submit(200, values(policy, 200))
    mortal = EvaluatorThread(address, policy, "mortal", num_chunks=1)
    mortal.start()
    mortal.join()  # It has not reported the outcomes of its chunk.
    steady = EvaluatorThread(address, helpers.make_mse_agent().policy, "steady")
    steady.start()
    result = coordinator.finish(300, values(policy, 300), PATIENCE_SECONDS)
    steady.stop.set()
    assert [outcome.episode for outcome in result.outcomes] == list(range(7))
    assert result.seed == SETTINGS.seed
    assert rows(tmp_path) == [
        (100, INTERVAL_SEED, 5, 3), (200, INTERVAL_SEED, 5, 3), (300, SETTINGS.seed, 7, 4),
    ]  # fmt: skip
    assert [entry[:2] for entry in evaluator.logged] == [
        (100, "_while_training"), (200, "_while_training"), (300, ""),
    ]  # fmt: skip
    assert mortal.finished_chunks[0] in steady.finished_chunks
    assert not list((tmp_path / "waiting_policies").iterdir())
    steady.join()


def test_requires_an_evaluator_at_the_end(job, policy):
    coordinator, *_ = job
    with pytest.raises(errors.RunError, match="no evaluator has reported for 1 s. Start one with"):
        coordinator.finish(300, values(policy, 300), patience_seconds=1.0)


def test_a_damaged_waiting_policy_is_reported_and_skipped(job, policy, tmp_path):
    queue = evaluation_queue.EvaluationQueue(tmp_path / "waiting_policies")
    damaged = evaluation_queue.PendingEvaluation(100, INTERVAL_SEED, 5)
    (tmp_path / "waiting_policies").mkdir()
    (tmp_path / "partial").touch()
    (tmp_path / "partial").rename(queue.path(damaged))
    steady = EvaluatorThread(job.address, policy, "steady")
    steady.start()
    job.coordinator.finish(300, values(policy, 300), PATIENCE_SECONDS)
    steady.stop.set()
    assert [found[0] for found in rows(tmp_path)] == [300]
    job.process.wait_for_line(f"{queue.path(damaged)} is damaged (its checksum differs)")
    assert not list((tmp_path / "waiting_policies").iterdir())
    steady.join()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_contract_distributed_job_has_one_learner(job, policy):
    coordinator, _, address, _ = job
    assignments = channels.Broadcast(address, tables.ASSIGNMENTS)
    own = evaluation_messages.Assignments.from_message(assignments.read()).learner
    theirs = evaluation_messages.Assignments("theirs")
    assert theirs.learner != own
    assignments.send(theirs.to_message())
    assert job.process.aborted.wait(60)
    assert "another learner, theirs, uses the replay server" in job.process.abort_message


def test_ignores_outcomes_of_other_evaluations(job, policy, tmp_path):
    """Their learner, step and seed may be equal to those of this evaluation by chance only."""
    coordinator, _, address, _ = job
    queue = channels.MessageQueue(address, tables.REPORTS)
    wrong = tuple(evaluation.Outcome(k, True, 0.0, 1) for k in range(5))
    for learner, step, seed in (("theirs", 100, INTERVAL_SEED), ("", 100, INTERVAL_SEED)):
        queue.send(evaluation_messages.Report("x", learner, step, seed, wrong).to_message())
    coordinator.submit(100, values(policy, 100))
    steady = EvaluatorThread(address, policy, "steady")
    steady.start()
    coordinator.finish(300, values(policy, 300), PATIENCE_SECONDS)
    steady.stop.set()
    assert rows(tmp_path)[0] == (100, INTERVAL_SEED, 5, 3)
    steady.join()
