"""Distributes the evaluation of the learner's policies among the evaluators of the job."""

from __future__ import annotations

import contextlib
import threading
import time
import traceback
from collections.abc import Sequence

import numpy as np

from ibc_agents.core import errors
from ibc_agents.distributed import job_directory
from ibc_agents.distributed.evaluation import (
    episode_scheduler,
    evaluation_queue,
    evaluation_table,
)
from ibc_agents.distributed.messaging import (
    channels,
    evaluation_messages,
    policy_variables,
    server_connection,
    tables,
)
from ibc_agents.distributed.processes import role_process
from ibc_agents.rollouts import evaluation
from ibc_agents.runs import evaluator as evaluator_lib
from ibc_agents.runs import settings

_POLL_SECONDS = 0.25
# Evaluators report every 2 s.
_ABSENT_AFTER_SECONDS = 15.0


class EvaluationCoordinator:
    """Evaluates submitted policies one after another, in a thread.

    Each policy is published, its episodes are assigned to evaluators, and their outcomes become a
    row of the table of evaluations. Waiting policies and the table are on disk. A kill loses only
    outcomes of the current evaluation, whose episodes then run again.
    """

    def __init__(
        self,
        directory: job_directory.JobDirectory,
        evaluator: evaluator_lib.Evaluator,
        config: settings.EvaluationSettings,
        server: server_connection.ServerConnection,
        process: role_process.RoleProcess,
    ) -> None:
        """Loads the table and the queue of an interrupted job, and starts the thread.

        Args:
            directory: Files of the job.
            evaluator: Logs results to TensorBoard.
            config: Settings of the evaluations.
            server: Connection to the primary replay server.
            process: Process of the learner.

        Raises:
            RunError: If the table cannot be read.
        """
        self._evaluator = evaluator
        self._config = config
        self._server = server
        self._process = process
        self._table = evaluation_table.EvaluationTable(directory.evaluations)
        self._queue = evaluation_queue.EvaluationQueue(directory.waiting_policies)
        self._assignments = channels.Broadcast(server.address, tables.ASSIGNMENTS)
        self._reports = channels.MessageQueue(server.address, tables.REPORTS)
        self._name = evaluation_messages.unique_name()
        self._published = evaluation_messages.Assignments(self._name)
        self._has_published = False
        self._last_reports: dict[str, float] = {}
        self._current: (
            tuple[evaluation_queue.PendingEvaluation, episode_scheduler.EpisodeScheduler] | None
        ) = None
        self._final: evaluation_queue.PendingEvaluation | None = None
        self._final_result: evaluation.Evaluation | None = None
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stops the thread; waiting policies stay on disk."""
        self._closed.set()
        self._thread.join()

    def submit(self, step: int, values: Sequence[np.ndarray]) -> None:
        """Submits a policy during training, unless one of its step has been submitted.

        Args:
            step: Train step of the policy.
            values: Values of the policy's variables, in their order.

        Raises:
            RunError: If the policy cannot be written to disk.
        """
        seed = self._config.seed + evaluator_lib.INTERVAL_SEED_OFFSET
        pending = evaluation_queue.PendingEvaluation(step, seed, self._config.interval_episodes)
        if (step, seed) not in self._table and pending not in self._queue.pending():
            self._queue.add(pending, values)

    def finish(
        self, step: int, values: Sequence[np.ndarray], patience_seconds: float
    ) -> evaluation.Evaluation:
        """Submits the final policy and waits for all evaluations.

        Args:
            step: Train step of the policy.
            values: Values of the policy's variables, in their order.
            patience_seconds: Longest time to wait without an evaluator, in seconds.

        Returns:
            The evaluation of the final policy.

        Raises:
            RunError: If there is no evaluator, or the policy cannot be written to disk.
            ShutdownRequested: If this process has been asked to stop.
        """
        self._final = evaluation_queue.PendingEvaluation(
            step, self._config.seed, self._config.num_episodes
        )
        self._queue.add(self._final, values)
        last_present = time.monotonic()
        while self._final_result is None:
            if self._present_evaluators():
                last_present = time.monotonic()
            elif time.monotonic() - last_present > patience_seconds:
                raise errors.RunError(
                    f"the training has finished, but no evaluator has reported for "
                    f"{patience_seconds:.0f} s. Start one with --role=evaluator, then run this "
                    "command again."
                )
            self._process.shutdown.wait(_POLL_SECONDS)
        return self._final_result

    def _run(self) -> None:
        try:
            while self._final_result is None:
                sizes = self._server.query_table_sizes()
                if sizes is not None:
                    with contextlib.suppress(channels.ServerUnreachable):
                        self._advance(sizes)
                if self._closed.wait(_POLL_SECONDS):
                    return
        except Exception as error:
            if not isinstance(error, errors.UserError):
                traceback.print_exc()
            self._process.abort(f"{error}")

    def _advance(self, sizes: dict[str, int]) -> None:
        """Receives reports, finishes or starts an evaluation, and publishes assignments."""
        self._check_no_other_learner(sizes[tables.ASSIGNMENTS])
        if sizes[tables.REPORTS]:
            self._receive_reports(sizes[tables.REPORTS])
        if self._current is not None:
            self._record_result(*self._current)
        if self._current is None:
            self._start_next()
        elif not sizes[policy_variables.TABLE]:
            self._publish_policy(self._current[0])  # The server has been restarted.
        assignments = self._make_assignments()
        if assignments != self._published or not sizes[tables.ASSIGNMENTS]:
            self._assignments.send(assignments.to_message())
            self._published, self._has_published = assignments, True

    def _check_no_other_learner(self, num_published: int) -> None:
        """Raises a RunError if another learner has replaced the assignments of this one."""
        if not (num_published and self._has_published):
            return
        newest = evaluation_messages.Assignments.from_message(self._assignments.read())
        if newest.learner != self._name:
            raise errors.RunError(
                f"another learner, {newest.learner}, uses the replay server {self._server.address}."
                " Stop one of the two, or use another --replay_address."
            )

    def _receive_reports(self, count: int) -> None:
        for message in self._reports.receive(count):
            report = evaluation_messages.Report.from_message(message)
            self._last_reports[report.evaluator] = time.monotonic()
            if self._current is None:
                continue
            pending, scheduler = self._current
            current = (self._name, pending.step, pending.seed)
            if (report.learner, report.step, report.seed) == current:
                scheduler.record(report.evaluator, report.outcomes)

    def _record_result(
        self,
        pending: evaluation_queue.PendingEvaluation,
        scheduler: episode_scheduler.EpisodeScheduler,
    ) -> None:
        result = scheduler.result
        if result is None:
            return
        is_final = pending.seed == self._config.seed
        self._evaluator.log(result, pending.step, "" if is_final else evaluator_lib.INTERVAL_SUFFIX)
        self._table.add(
            evaluation_table.Row.from_evaluation(pending.step, result, len(scheduler.contributors))
        )
        self._queue.remove(pending)
        self._process.log(f"policy of step {pending.step}: {result.format_summary()}")
        self._current = None
        if pending == self._final:
            self._final_result = result

    def _start_next(self) -> None:
        if not (pending := self._queue.pending()):
            return
        first = pending[0]
        if not self._publish_policy(first):
            return
        scheduler = episode_scheduler.EpisodeScheduler(
            first.seed, first.episodes, chunk_size=self._config.batch_size
        )
        self._current = first, scheduler

    def _publish_policy(self, pending: evaluation_queue.PendingEvaluation) -> bool:
        """Publishes a waiting policy; returns False if its file is damaged, and removes it."""
        try:
            values = self._queue.load(pending)
        except evaluation_queue.DamagedPolicyError as error:
            path = self._queue.path(pending)
            self._queue.remove(pending)
            if pending == self._final:
                # The learner submits it again after its restart.
                raise errors.RunError(f"{path} is damaged ({error}). Check the disk.") from error
            self._process.log(f"{path} is damaged ({error}); this policy is not evaluated")
            self._current = None
            return False
        policy_variables.push(self._server.address, self._name, values, pending.step)
        return True

    def _make_assignments(self) -> evaluation_messages.Assignments:
        if self._current is None:
            return evaluation_messages.Assignments(self._name)
        pending, scheduler = self._current
        assigned = scheduler.assign(self._present_evaluators())
        ranges = {name: (chunk.start, chunk.stop) for name, chunk in assigned.items()}
        return evaluation_messages.Assignments(self._name, pending.step, pending.seed, ranges)

    def _present_evaluators(self) -> list[str]:
        now = time.monotonic()
        reports = self._last_reports.copy()
        return [name for name, when in reports.items() if now - when < _ABSENT_AFTER_SECONDS]
