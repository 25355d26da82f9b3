"""The evaluator: runs its part of the episodes of each policy and reports the outcomes."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

from tf_agents.policies import tf_policy

from environments import base
from ibc_agents.core import errors
from ibc_agents.distributed.messaging import (
    assignment_channel,
    channels,
    evaluation_messages,
    policy_variables,
    server_connection,
    tables,
)
from ibc_agents.distributed.processes import role_process
from ibc_agents.distributed.roles import membership, role_context
from ibc_agents.rollouts import evaluation

_REPORT_SECONDS = 2.0


def run(context: role_context.RoleContext) -> None:
    """Evaluates policies until the job has finished.

    Args:
        context: Experiment, process and cluster.

    Raises:
        UserError: If something is wrong that the user can fix.
        ShutdownRequested: If this process has been asked to stop.
    """
    experiment, process = context.experiment, context.process
    make_environment = experiment.task.evaluation_environment
    if make_environment is None:
        raise errors.RunError("an evaluator requires an environment. Set Task.environment.")
    with contextlib.closing(membership.join(context)) as member:
        _evaluate(member, make_environment, experiment.evaluation.batch_size, process)
    process.log("the job has finished")


def _evaluate(
    member: membership.Membership,
    make_environment: Callable[[], base.Environment],
    batch_size: int,
    process: role_process.RoleProcess,
) -> None:
    policy, server = member.agent.policy, member.primary
    reporter = _Reporter(server)
    runner = evaluation.EpisodeRunner(policy, make_environment, batch_size)
    updater = _PolicyUpdater(policy, server)
    process.health.ready = True
    process.log(f"ready as {reporter.name}")
    finished: tuple[str, int, int, tuple[int, int]] | None = None
    for assignments in assignment_channel.follow(server, process):
        episodes = assignments.ranges.get(reporter.name)
        if episodes is None:
            continue
        assigned = (assignments.learner, assignments.step, assignments.seed, episodes)
        if assigned == finished or not updater.update(assignments):
            continue
        process.health.step = assignments.step
        outcomes = tuple(runner.run(assignments.seed, range(*episodes)))
        process.log(
            f"policy of step {assignments.step}, episodes {episodes[0]} to {episodes[1] - 1}: "
            f"{sum(outcome.success for outcome in outcomes)} of {len(outcomes)} succeeded"
        )
        finished = assigned
        reporter.report(evaluation_messages.Report(reporter.name, *assigned[:3], outcomes))


class _PolicyUpdater:
    """Keeps the variables of a policy equal to the published ones."""

    def __init__(
        self, policy: tf_policy.TFPolicy, server: server_connection.ServerConnection
    ) -> None:
        self._policy = policy
        self._server = server
        self._current: tuple[str, int] | None = None

    def update(self, assignments: evaluation_messages.Assignments) -> bool:
        """Pulls the policy if necessary; returns whether it is the assigned one."""
        wanted = assignments.learner, assignments.step
        if self._current != wanted:
            self._server.wait_until(lambda sizes: sizes[policy_variables.TABLE] > 0)
            with contextlib.suppress(channels.ServerUnreachable):
                step = policy_variables.pull(
                    self._server.address, self._policy, assignments.learner
                )
                self._current = None if step is None else (assignments.learner, step)
        return self._current == wanted


class _Reporter:
    """Sends the newest report repeatedly, in a thread.

    Repetition replaces reports that are lost in an outage, and shows the learner which evaluators
    are present.
    """

    def __init__(self, server: server_connection.ServerConnection) -> None:
        self.name = evaluation_messages.unique_name()
        self._server = server
        self._queue = channels.MessageQueue(server.address, tables.REPORTS)
        self._newest = evaluation_messages.Report(self.name)
        self._is_new = threading.Event()
        threading.Thread(target=self._repeat, daemon=True).start()

    def report(self, report: evaluation_messages.Report) -> None:
        self._newest = report
        self._is_new.set()

    def _repeat(self) -> None:
        while True:
            if self._server.table_sizes is not None:
                with contextlib.suppress(channels.ServerUnreachable):
                    self._queue.send(self._newest.to_message())
            self._is_new.wait(_REPORT_SECONDS)
            self._is_new.clear()
