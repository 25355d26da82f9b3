"""The learner's side of evaluation: it publishes policies, deals episodes and keeps the table."""

from __future__ import annotations

import contextlib
import threading
import time
import traceback
from collections.abc import Sequence

import numpy as np

from ibc_agents.core import errors
from ibc_agents.distributed.evaluation import backlog, evaluation_table, sharing
from ibc_agents.distributed.messaging import contact, messages, protocol, tables, variables
from ibc_agents.distributed.processes import role_process, run_files
from ibc_agents.rollouts import evaluation
from ibc_agents.runs import evaluator, settings

_SECONDS_BETWEEN_ROUNDS = 0.25
# Evaluators report every 2 s.
_GONE_AFTER_SECONDS = 15.0


class Referee:
    """Has every submitted policy evaluated, one after another, in a thread.

    Policies wait on the disk, and the table is whole at any time. What is lost with any process are
    outcomes of the evaluation that was going on, and those are found again.
    """

    def __init__(
        self,
        files: run_files.RunFiles,
        judge: evaluator.Evaluator,
        numbers: settings.EvaluationSettings,
        server: contact.Contact,
        process: role_process.RoleProcess,
    ) -> None:
        """Reads what an earlier process has left.

        Args:
            files: of the run.
            judge: shows results in TensorBoard.
            numbers: how success is measured.
            server: the replay server.
            process: of the learner.

        Raises:
            RunError: if the table cannot be read.
        """
        self._judge = judge
        self._numbers = numbers
        self._server = server
        self._process = process
        self._table = evaluation_table.EvaluationTable(files.evaluations)
        self._backlog = backlog.Backlog(files.waiting_policies)
        self._orders = messages.Board(server.address, tables.ORDERS)
        self._reports = messages.Mailbox(server.address, tables.REPORTS)
        self._name = protocol.own_name()
        self._published = protocol.Orders(self._name)
        self._last_heard: dict[str, float] = {}
        self._current: tuple[backlog.Waiting, sharing.SharedEvaluation] | None = None
        self._last: backlog.Waiting | None = None
        self._result: evaluation.Evaluation | None = None
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begins to look for evaluators."""
        self._thread.start()

    def close(self) -> None:
        """Looks for evaluators no more; what waits for evaluation stays on the disk."""
        self._closed.set()
        self._thread.join()

    def watch(self, step: int, values: Sequence[np.ndarray]) -> None:
        """Submits a policy of the middle of the training, unless one of this step was before.

        Args:
            step: train step it is of.
            values: of its variables, in their order.

        Raises:
            RunError: if the disk is full.
        """
        seed = self._numbers.seed + evaluator.WATCHING_SEED_OFFSET
        waiting = backlog.Waiting(step, seed, self._numbers.watched_episodes)
        if (step, seed) not in self._table and waiting not in self._backlog.waiting():
            self._backlog.add(waiting, values)

    def finish(
        self, step: int, values: Sequence[np.ndarray], patience_seconds: float
    ) -> evaluation.Evaluation:
        """Submits the last policy and waits for all evaluations.

        Args:
            step: train step it is of.
            values: of its variables, in their order.
            patience_seconds: how long to wait where there is no evaluator.

        Returns:
            The evaluation of the last policy.

        Raises:
            RunError: if there is no evaluator, or the disk is full.
            Stopped: this process is to stop.
        """
        self._last = backlog.Waiting(step, self._numbers.seed, self._numbers.num_episodes)
        self._backlog.add(self._last, values)
        last_seen = time.monotonic()
        while self._result is None:
            if self._present():
                last_seen = time.monotonic()
            elif time.monotonic() - last_seen > patience_seconds:
                raise errors.RunError(
                    f"The training is finished, but no evaluator has reported for "
                    f"{patience_seconds:.0f} s. Start one with --role=evaluator, then start this "
                    "command again."
                )
            self._process.stop.wait(_SECONDS_BETWEEN_ROUNDS)
        return self._result

    def _run(self) -> None:
        try:
            while self._result is None:
                sizes = self._server.ask()
                if sizes is not None:
                    with contextlib.suppress(messages.Unreachable):
                        self._round(sizes)
                if self._closed.wait(_SECONDS_BETWEEN_ROUNDS):
                    return
        except Exception as error:
            if not isinstance(error, errors.RunError):
                traceback.print_exc()
            self._process.give_up(f"{error}")

    def _round(self, sizes: dict[str, int]) -> None:
        self._hear(sizes[tables.REPORTS])
        if self._current is not None:
            self._settle(*self._current)
        if self._current is None:
            self._begin_next()
        elif not sizes[variables.TABLE]:
            self._push(self._current[0])  # a new server does not know them
        orders = self._make_orders()
        if orders != self._published or not sizes[tables.ORDERS]:
            self._orders.put(orders.to_message())
            self._published = orders

    def _hear(self, count: int) -> None:
        if not count:
            return
        for message in self._reports.receive(count):
            report = protocol.Report.from_message(message)
            self._last_heard[report.evaluator] = time.monotonic()
            if self._current is not None:
                waiting, shared = self._current
                if _what(report) == (self._name, waiting.step, waiting.seed):
                    shared.take(report.evaluator, report.outcomes)

    def _settle(self, waiting: backlog.Waiting, shared: sharing.SharedEvaluation) -> None:
        """Takes a finished evaluation into the table."""
        result = shared.result
        if result is None:
            return
        is_watched = waiting.seed != self._numbers.seed
        self._judge.log(result, waiting.step, evaluator.WATCHED * is_watched)
        self._table.add(evaluation_table.row_of(waiting.step, result, len(shared.evaluators)))
        self._backlog.remove(waiting)
        self._process.say(f"policy of step {waiting.step}: {result.format_summary()}")
        self._current = None
        if waiting == self._last:
            self._result = result

    def _begin_next(self) -> None:
        if not (waiting := self._backlog.waiting()):
            return
        first = waiting[0]
        self._push(first)
        part = self._numbers.batch_size
        self._current = first, sharing.SharedEvaluation(first.seed, first.episodes, part)

    def _push(self, waiting: backlog.Waiting) -> None:
        variables.push(self._server.address, self._backlog.values(waiting), waiting.step)

    def _make_orders(self) -> protocol.Orders:
        if self._current is None:
            return protocol.Orders(self._name)
        waiting, shared = self._current
        parts = {
            name: (part.start, part.stop) for name, part in shared.deal(self._present()).items()
        }
        return protocol.Orders(self._name, waiting.step, waiting.seed, parts)

    def _present(self) -> list[str]:
        now = time.monotonic()
        heard = self._last_heard.copy()
        return [name for name, when in heard.items() if now - when < _GONE_AFTER_SECONDS]


def announce_end(server: contact.Contact) -> None:
    """Tells evaluators and replay server that the job has ended; waits for a server that is gone.

    Raises:
        Stopped: this process is to stop.
    """
    end = protocol.Orders(protocol.own_name(), finished=True).to_message()
    server.call(lambda: messages.Board(server.address, tables.ORDERS).put(end))


def _what(report: protocol.Report) -> tuple[str, int, int]:
    return report.learner, report.step, report.seed
