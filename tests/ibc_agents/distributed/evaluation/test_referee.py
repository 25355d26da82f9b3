"""Every submitted policy is evaluated, whoever comes and goes; the evaluators here are threads."""

import contextlib
import csv
import threading
import time

import numpy as np
import pytest
import reverb

from ibc_agents.core import errors
from ibc_agents.distributed.evaluation import referee
from ibc_agents.distributed.messaging import contact, messages, protocol, tables, variables
from ibc_agents.distributed.processes import run_files
from ibc_agents.rollouts import evaluation
from ibc_agents.runs import settings
from tests.ibc_agents import helpers
from tests.ibc_agents.distributed import fake_process, roles

NUMBERS = settings.EvaluationSettings(num_episodes=7, watched_episodes=5, batch_size=2, seed=3)
WATCHED_SEED = 1_000_003
PATIENCE = 60.0


class Judge:
    """Remembers what would go to TensorBoard."""

    def __init__(self):
        self.logged = []

    def log(self, result, step, suffix=""):
        self.logged.append((step, suffix, result.success_rate))


class Evaluator(threading.Thread):
    """Succeeds at even episodes of policies whose weights are the step's; ends after some parts."""

    def __init__(self, address, policy, name, parts=10**6):
        super().__init__(daemon=True)
        self._address, self._policy, self._name, self._parts = address, policy, name, parts
        self.ran = []
        self.quit = threading.Event()

    def run(self):
        orders = messages.Board(self._address, tables.ORDERS)
        mailbox = messages.Mailbox(self._address, tables.REPORTS)
        report = protocol.Report(self._name)
        while not self.quit.is_set() and len(self.ran) < self._parts:
            with contextlib.suppress(messages.Unreachable):
                mailbox.put(report.to_message())
                if reverb.Client(self._address).server_info(timeout=2)[tables.ORDERS].current_size:
                    report = self._obey(protocol.Orders.from_message(orders.get()), report)
            time.sleep(0.05)

    def _obey(self, told, report):
        part = told.parts.get(self._name)
        if part is None or (told.step, part) in self.ran:
            return report
        assert variables.pull(self._address, self._policy) == told.step
        assert float(self._policy.variables()[-1].numpy().flat[0]) == told.step
        self.ran.append((told.step, part))
        outcomes = tuple(evaluation.Outcome(k, k % 2 == 0, 0.0, 1) for k in range(*part))
        return protocol.Report(self._name, told.learner, told.step, told.seed, outcomes)


@pytest.fixture
def policy():
    return helpers.make_mse_agent().policy


@pytest.fixture
def job(tmp_path, policy):
    """A referee at work, its judge, and the server's address."""
    port = roles.free_port()
    address = f"localhost:{port}"
    server = reverb.Server(tables.of(policy), port=port)
    judge, process = Judge(), fake_process.FakeProcess()
    with contextlib.closing(contact.Contact(address, process, PATIENCE)) as watched:
        files = run_files.RunFiles(tmp_path)
        at_work = referee.Referee(files, judge, NUMBERS, watched, process)
        at_work.start()
        with contextlib.closing(at_work):
            yield at_work, judge, address
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
    monkeypatch.setattr(referee, "_GONE_AFTER_SECONDS", 1.0)
    at_work, judge, address = job
    at_work.watch(100, values(policy, 100))
    at_work.watch(200, values(policy, 200))
    mortal = Evaluator(address, policy, "mortal", parts=1)
    mortal.start()
    mortal.join()  # without a report of what it ran
    steady = Evaluator(address, helpers.make_mse_agent().policy, "steady")
    steady.start()
    result = at_work.finish(300, values(policy, 300), PATIENCE)
    steady.quit.set()
    assert [outcome.episode for outcome in result.outcomes] == list(range(7))
    assert result.seed == NUMBERS.seed
    assert rows(tmp_path) == [
        (100, WATCHED_SEED, 5, 3), (200, WATCHED_SEED, 5, 3), (300, NUMBERS.seed, 7, 4),
    ]  # fmt: skip
    assert [entry[:2] for entry in judge.logged] == [
        (100, "_while_training"), (200, "_while_training"), (300, ""),
    ]  # fmt: skip
    assert mortal.ran[0] in steady.ran
    assert not list((tmp_path / "waiting_policies").iterdir())
    steady.join()


def test_without_evaluators_the_end_is_a_sentence(job, policy):
    at_work, _, _ = job
    with pytest.raises(errors.RunError, match="no evaluator has reported for 1 s. Start one with"):
        at_work.finish(300, values(policy, 300), patience_seconds=1.0)
